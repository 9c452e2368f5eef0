// Documents and their versions: every rule as a function in a caller's transaction; none does I/O.
// All times are the caller's `now` (isoTimestamp). A document that the viewer may not see does not
// exist: NotFound "document_not_found" (AOF: `Document not found: id`, with a partition given
// `Document not found in partition: id`).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/contents.hpp"
#include "server/documents/partitions.hpp"
#include "server/documents/types.hpp"
#include "server/store/connection.hpp"

namespace tutti::documents {

/// Who changes something, when and under which limits: the same in every change.
struct Author {
  Viewer viewer;
  std::string now;
  DocumentLimits limits;
  Retention retention;
};

struct NewDocument {
  Place place;
  std::string filename;
  std::string content_type;  ///< "" for what the filename says
  std::vector<std::string> tags;
  std::map<std::string, std::string> metadata;
  std::string note;
};
/// A document with `content`, or a placeholder (version 0) without. Errors: those of
/// checkFilename(), checkedTags(), checkMetadata(), checkContentType(), partitionForWriting().
Result<Document> createDocument(store::Tx& tx, const Author& author, const NewDocument& input,
                                const Content* content);

struct NewContent {
  DocumentRef ref;
  std::optional<std::int64_t> expected_version;
  std::string content_type;  ///< "" leaves it as it is
  std::string note;
};
struct Changed {
  Document document;
  bool changed = false;  ///< false: the newest version has that content already; nothing was done
};
/// A new version. Applies the retention. Errors: NotFound, Conflict "version_conflict" (details
/// {"expected_version", "version"}).
Result<Changed> putContent(store::Tx& tx, const Author& author, const NewContent& input,
                           const Content& content);

/// Absent members stay as they are.
struct MetadataChange {
  DocumentRef ref;
  std::optional<std::string> filename;
  std::optional<std::string> content_type;
  std::optional<std::vector<std::string>> tags;                ///< instead of the old ones
  std::map<std::string, std::optional<std::string>> metadata;  ///< set; or removed by null
  std::optional<std::int64_t> expected_revision;
};
/// Errors: NotFound, Conflict "revision_conflict" (details {"expected_revision", "revision"}), and
/// those of createDocument() for what is given.
Result<Document> changeMetadata(store::Tx& tx, const Author& author, const MetadataChange& change);

struct Deletion {
  DocumentRef ref;
  std::optional<std::int64_t> expected_version;
};
/// Removes the document and, through parent-child relations, all below it: children first, each
/// once. Children that the viewer may not see stay and lose the relation. The ids in that order.
/// Errors: NotFound, Conflict "version_conflict", ResourceExhausted "cascade_max".
Result<std::vector<std::string>> deleteDocument(store::Tx& tx, const Author& author,
                                                const Deletion& deletion);

struct Restore {
  DocumentRef ref;
  std::int64_t version = 0;
  std::optional<std::int64_t> expected_version;
  std::string note;  ///< "" becomes "restored from version N"
};
/// Makes an old version's content the newest version. `changed` is false when it is already.
/// Errors: NotFound "document_not_found", "version_not_found", Conflict "version_conflict".
Result<Changed> restoreVersion(store::Tx& tx, const Author& author, const Restore& restore);

/// Removes what the retention's rule of age no longer allows, of at most `count_max` versions.
/// Returns how many went: call again while it is count_max.
std::int64_t retireOldVersions(store::Tx& tx, const Retention& retention, const std::string& now,
                               std::int64_t count_max);

// --- reading ---

/// Errors: NotFound "document_not_found".
Result<Document> findDocument(store::Connection& db, const Viewer& viewer, const DocumentRef& ref);
/// Version 0 is the newest. Errors: NotFound "document_not_found", "version_not_found" (names those
/// there are), FailedPrecondition "no_content" for a placeholder.
Result<Version> findVersion(store::Connection& db, const Document& document, std::int64_t version);

struct VersionPage {
  std::vector<Version> versions;  ///< newest first
  std::string next;               ///< cursor, "" at the end
};
/// `before` is a cursor or "". Errors: NotFound, InvalidArgument "invalid_cursor".
Result<VersionPage> listVersions(store::Connection& db, const Viewer& viewer,
                                 const DocumentRef& ref, const std::string& before,
                                 std::int64_t count_max);

enum class Order { Created, Updated, Name, Size };
enum class Direction { Ascending, Descending };
/// "created", "updated", "name", "size".
std::optional<Order> parseOrder(std::string_view word);

struct DocumentFilter {
  Place place;
  std::string name_contains;      ///< anywhere in the filename, upper and lower case alike (AOF)
  std::string name_glob;          ///< the whole filename: `*`, `?`, `[…]`; case counts
  std::vector<std::string> tags;  ///< all of them
  std::map<std::string, std::string> metadata;  ///< all of them, equal
  std::string author_session;
  std::string content_type;  ///< equal, or "image/*"
  std::string created_from;  ///< inclusive; ISO times with any offset or "Z"; dates alone too
  std::string created_to;    ///< exclusive
  std::string updated_from;
  std::string updated_to;
  Order order = Order::Created;
  Direction direction = Direction::Ascending;
  std::int64_t count_max = 100;  ///< 0 to page_max; above is page_max
  std::int64_t offset = 0;       ///< AOF's; a cursor is quicker
  std::string after;             ///< cursor of the previous page
};
struct DocumentPage {
  std::vector<Document> documents;
  std::string next;  ///< cursor, "" at the end
};
/// Errors: InvalidArgument "invalid_cursor" (also one of another order), "invalid_time", "tags_max"
/// (more tags or metadata than a document can have), "pattern_bytes_max" (what names or the type
/// are compared with has more than 16 KB); those of sightOf().
Result<DocumentPage> queryDocuments(store::Connection& db, const Viewer& viewer,
                                    const DocumentFilter& filter,
                                    const DocumentLimits& limits = {});

struct Completion {
  std::vector<std::string> ids;
  bool more = false;  ///< than these
};
/// Documents that the viewer may see and whose id or filename begins with what is typed: by id,
/// then by name, the one that changed last first. All of them when every id begins so. `count_max`
/// of each kind, at most page_max.
Result<Completion> completeDocument(store::Connection& db, const Viewer& viewer,
                                    std::string_view typed, std::int64_t count_max,
                                    const DocumentLimits& limits = {});

// --- changes, for subscriptions ---

struct DocumentChange {
  std::int64_t id = 0;  ///< ever rising
  std::string document_id;
  std::string partition;
  std::string change;  ///< "created", "updated", "deleted"
};
/// Those with id > after, oldest first. The last 10,000 changes are kept: a reader that was away
/// for longer finds a gap between `after` and the first id.
std::vector<DocumentChange> changesSince(store::Connection& db, std::int64_t after,
                                         std::int64_t count_max);
std::int64_t latestChange(store::Connection& db);

}  // namespace tutti::documents
