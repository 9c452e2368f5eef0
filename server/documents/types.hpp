// The words of the context store as types: document, version, partition, relation. AOF's names and
// JSON spelling, and ours beside them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::documents {

inline constexpr std::string_view kGlobalPartition = "_global";

/// The limits of what a caller may give. Each has its error: InvalidArgument or ResourceExhausted,
/// named after it.
struct DocumentLimits {
  std::size_t filename_bytes_max = 255;
  std::size_t tags_max = 64;
  std::size_t tag_bytes_max = 128;
  std::size_t metadata_entries_max = 128;
  std::size_t metadata_bytes_max = 64U * 1024;  ///< keys and values of one document together
  std::size_t note_bytes_max = 4096;
  std::size_t relations_max = 1000;       ///< of one document
  std::int64_t cascade_max = 10'000;      ///< documents in one deletion
  std::int64_t page_max = 1000;           ///< documents or versions in one answer
  std::int64_t neighbours_max = 1000;     ///< documents in a neighbourhood
  std::int64_t path_visits_max = 10'000;  ///< documents looked at in search of a path or circle
};

/// Which versions go when a newer one comes. 0: that rule is off. The newest version stays in any
/// case.
struct Retention {
  std::int64_t versions_max = 100;
  std::int64_t versions_age_max_s = 0;
  std::int64_t versions_bytes_max = 0;  ///< of all versions of one document together
};

struct Document {
  std::string id;  ///< "doc_" and 24 hex digits
  std::string filename;
  std::string content_type;
  std::int64_t size_bytes = 0;
  std::string checksum;  ///< SHA-256 as hex of the newest version; "" for a placeholder
  std::string created_at;
  std::string updated_at;
  std::vector<std::string> tags;                ///< sorted, without doubles
  std::map<std::string, std::string> metadata;  ///< `description` is one of them, as AOF has it
  std::string partition;                        ///< "_global" for global
  std::int64_t version = 0;    ///< of the content, from 1; 0 for a placeholder: no content yet
  std::int64_t revision = 1;   ///< raised by every change, also of name, tags and metadata
  std::string author_session;  ///< who made the document; "" for a user's client
};

/// One content that a document had. Numbers are never used again, also when versions in between
/// have been removed by the retention.
struct Version {
  std::string document_id;
  std::int64_t version = 0;
  std::string checksum;
  std::int64_t size_bytes = 0;
  std::string content_type;
  std::string author_session;
  std::string created_at;
  std::string note;  ///< why, in the author's words; "" for none
};

enum class PartitionKind { Global, Named, Tree, Project };
std::string_view toString(PartitionKind kind);  ///< "global", "named", "tree", "project"

struct Partition {
  std::string name;
  PartitionKind kind = PartitionKind::Named;
  std::string description;
  std::string created_at;
};

/// One direction of a link. A link is two of them.
struct Relation {
  std::int64_t id = 0;  ///< a string in JSON
  std::string document_id;
  std::string related_document_id;
  std::string relation_type;        ///< what the OTHER document is to `document_id`: "child", …
  std::optional<std::string> note;  ///< null in JSON when absent
  std::string created_at;
  std::string updated_at;
};

/// Who calls: an agent by its session, or a user's client without one.
struct Caller {
  std::string session_id;
};

enum class Scope {
  Default,  ///< an agent's tree, a user's global
  Tree,     ///< of the caller's session tree
  Project,  ///< of the project (folder) that the caller's session works in
  Global,
  Visible,  ///< all that the caller may see; for reading only
};
/// "tree", "project", "global", "visible"; "" is Default.
std::optional<Scope> parseScope(std::string_view word);

/// Where to put or to look. `partition`, when not empty, wins over `scope`.
struct Place {
  Scope scope = Scope::Default;
  std::string partition;
  bool create_partition = false;  ///< a named one that is missing is made (AOF's "auto-create")
};

/// The document meant. With `partition` it must be there too, else it is NotFound: so that the
/// routes of one partition show no other.
struct DocumentRef {
  std::string document_id;
  std::string partition;  ///< "" for anywhere the caller may see
};

/// AOF's members (nulls kept: `checksum`, `partition` of a global one, `relations`), and ours:
/// version, revision, author_session. `url` and filled `relations` are for the face to add.
Json toJson(const Document& document);
Json toJson(const Version& version);
Json toJson(const Partition& partition);  ///< {name, kind, description (null for ""), created_at}
Json toJson(const Relation& relation);    ///< AOF's Relation, `id` as string
/// AOF's RelationInfo: {id, related_document_id, relation_type, note}.
Json toRelationInfo(const Relation& relation);
/// AOF's {<relation_type>: [RelationInfo…]}.
Json relationsByType(const std::vector<Relation>& relations);

/// "/documents/{id}", or "/partitions/{p}/documents/{id}": what comes behind the server's address.
std::string documentPath(std::string_view document_id, std::string_view partition);
std::string documentPath(const Document& document);
/// "tutti://doc/{id}".
std::string documentUri(std::string_view document_id);

/// Strong entity tags. Of the content: "\"v3\""; of the description: "\"r7\"".
std::string contentEtag(const Document& document);
std::string revisionEtag(const Document& document);
/// The number in such a tag (quotes and a leading W/ allowed) with prefix 'v' or 'r'; nothing for
/// another text, so for one that can never match.
std::optional<std::int64_t> parseEtag(std::string_view tag, char prefix);

/// By the name's extension, AOF's table first; "application/octet-stream" when it says nothing.
std::string contentTypeOf(std::string_view filename);
/// May content of this type be read by characters and edited? text/*, and JSON, JSONL, XML, YAML,
/// TOML, JavaScript, shell, SQL and +json/+xml types. Parameters (charset) do not matter.
bool isTextType(std::string_view content_type);

std::string newDocumentId();
bool isDocumentId(std::string_view text);

/// What callers give, checked. All InvalidArgument:
/// "filename_required" (AOF: "filename is required"), "invalid_filename" (control characters, '/',
/// '\\', "." and "..", ill-formed UTF-8, above filename_bytes_max).
Status checkFilename(std::string_view filename, const DocumentLimits& limits = {});
/// "invalid_tag" (empty, control characters, comma, too long), "tags_max". Trims, sorts and drops
/// doubles.
Result<std::vector<std::string>> checkedTags(std::vector<std::string> tags,
                                             const DocumentLimits& limits = {});
/// "invalid_metadata": empty key, control characters in a key, ill-formed UTF-8;
/// "metadata_entries_max", "metadata_bytes_max".
Status checkMetadata(const std::map<std::string, std::string>& metadata,
                     const DocumentLimits& limits = {});
/// From JSON; absent or null is empty. AOF's texts: "metadata must be an object"; a value that is
/// not a string is "invalid_metadata" and names the key.
Result<std::map<std::string, std::string>> metadataFrom(const Json* value);
/// AOF's comma list: trimmed, empties dropped.
std::vector<std::string> splitTags(std::string_view comma_list);
/// "invalid_content_type" unless type/subtype with optional parameters, up to 255 bytes.
Status checkContentType(std::string_view content_type);

}  // namespace tutti::documents
