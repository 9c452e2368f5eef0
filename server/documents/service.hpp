// The context store as its faces (tools, REST, resources, command line) use it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "server/base/clock.hpp"
#include "server/base/result.hpp"
#include "server/documents/contents.hpp"
#include "server/documents/diff.hpp"
#include "server/documents/documents.hpp"
#include "server/documents/edit.hpp"
#include "server/documents/partitions.hpp"
#include "server/documents/relations.hpp"
#include "server/documents/text_range.hpp"
#include "server/documents/transfers.hpp"
#include "server/documents/types.hpp"
#include "server/store/store.hpp"

namespace tutti::documents {

/// Content as the caller has it: the bytes, a file of the caller's (inside allowed roots), or an
/// upload that is complete.
struct FromPath {
  std::filesystem::path path;  ///< absolute
};
using ContentSource = std::variant<std::string, FromPath, std::shared_ptr<Upload>>;

/// What must hold of a document for a change to be made: HTTP's If-Match and the like.
struct Precondition {
  /// As the caller put it; with an idempotency key, part of what must be the same.
  std::string stated;
  /// Asked in the change's own transaction, on the store's thread: quick, and without side effects.
  /// `version` is the newest; of a placeholder one with number 0. Empty: nothing is demanded.
  std::function<bool(const Document& document, const Version& version)> holds;
};

/// doc_push, multipart POST, `tutti doc push`.
struct PushRequest {
  Caller caller;
  Place place;
  std::string filename;      ///< "" takes the path's last name
  std::string content_type;  ///< "" for what the filename says
  std::vector<std::string> tags;
  std::map<std::string, std::string> metadata;  ///< a description is metadata["description"]
  ContentSource content;
  std::string note;
  /// Not "": the answer to an earlier push with this key and the same arguments is given again. Not
  /// across callers: the key counts together with the session.
  std::string idempotency_key;
};

/// doc_create, JSON POST: a name without content yet.
struct CreateRequest {
  Caller caller;
  Place place;
  std::string filename;
  std::string content_type;
  std::vector<std::string> tags;
  std::map<std::string, std::string> metadata;
  std::string idempotency_key;
};

/// doc_write, PUT content.
struct WriteRequest {
  Caller caller;
  DocumentRef ref;
  ContentSource content;
  std::string content_type;  ///< "" leaves it as it is
  std::string note;
  std::optional<std::int64_t> expected_version;
  std::string idempotency_key;
  Precondition precondition;
};

/// doc_edit, PATCH content.
struct EditRequest {
  Caller caller;
  DocumentRef ref;
  Edit edit;
  std::string note;
  std::optional<std::int64_t> expected_version;
  std::string idempotency_key;
  Precondition precondition;
};
struct Edited {
  Document document;
  bool changed = false;  ///< false: the edit left the text as it was
  std::optional<std::int64_t> replacements_made;
  std::optional<EditRange> edit_range;
};

/// doc_info, GET metadata.
struct InfoRequest {
  Caller caller;
  DocumentRef ref;
};
struct DocumentInfo {
  Document document;
  std::vector<Relation> relations;
};

/// doc_read. For content that the caller wants whole in memory.
struct ReadRequest {
  Caller caller;
  DocumentRef ref;
  std::int64_t version = 0;                  ///< 0: the newest
  std::optional<CharacterRange> characters;  ///< of text only
  std::optional<ByteRange> bytes;            ///< of any type; not with `characters`
  std::size_t bytes_max = 1U << 20;          ///< of the answer
};
struct ReadContent {
  Document document;
  Version version;
  std::string bytes;
  bool is_text = false;                  ///< a text type and well-formed UTF-8
  std::optional<FoundRange> characters;  ///< as asked for; without a range absent
  std::int64_t bytes_start = 0;          ///< where in the content `bytes` begins
  std::int64_t bytes_total = 0;          ///< of the content
};

/// doc_query, GET documents.
struct QueryRequest {
  Caller caller;
  DocumentFilter filter;
  bool include_relations = false;
};
struct QueryAnswer {
  std::vector<DocumentInfo> documents;  ///< relations are filled if asked for
  std::string next;
};

/// doc_pull: writes the content to a file of the caller's.
struct PullRequest {
  Caller caller;
  DocumentRef ref;
  std::int64_t version = 0;
  std::filesystem::path path;  ///< absolute; of a folder, the document's filename in it
  bool overwrite = true;
};
struct Pulled {
  Document document;
  std::filesystem::path path;
  std::int64_t size_bytes = 0;
};

struct DownloadRequest {
  Caller caller;
  DocumentRef ref;
  std::int64_t version = 0;
  std::optional<CharacterRange> characters;  ///< of text only; not with `bytes`
  std::optional<ByteRange> bytes;
};

struct DiffRequest {
  Caller caller;
  DocumentRef ref;
  std::int64_t from_version = 0;  ///< 0: the one before `to_version`
  std::int64_t to_version = 0;    ///< 0: the newest
};
struct DiffAnswer {
  Document document;
  Version from;
  Version to;
  Diff diff;
};

struct ServiceOptions {
  DocumentLimits limits;
  Retention retention;
  std::int64_t document_bytes_max = std::int64_t{16} << 30;
  std::size_t edit_bytes_max = 64U << 20;
  std::size_t jobs_max = 1024;  ///< waiting for the worker; above: Unavailable "documents_busy"
  /// Where callers may push from and pull to; beside these an agent may use its session's project
  /// folder, a user's client `user_roots`.
  std::vector<std::filesystem::path> roots;
  std::vector<std::filesystem::path> user_roots;
};

/// Every function answers through `done`, once, on the I/O thread and never before it returns. What
/// was changed is durable then. Runs on the I/O thread only; owns one worker thread for hashing and
/// files, and one for what goes through very many bytes, so that nothing small waits for that.
/// Outlives what it has been asked: destroy it when the I/O thread has stopped.
///
/// A change with an idempotency key (as in PushRequest) that was made before is answered as it was
/// then, before anything is asked of the document as it is now.
///
/// Errors of all: NotFound "document_not_found", "session_not_found" (of the caller); Unavailable
/// "documents_busy" or the store's; what is said at the rules' functions (documents.hpp,
/// relations.hpp, partitions.hpp) and below; of changes with a precondition, Conflict
/// "precondition_failed"; with a key, Conflict "idempotency_key_reused". After an error nothing has
/// been changed.
class DocumentService {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;
  struct Parts {
    store::Store& store;
    std::function<void(std::function<void()>)> post;  ///< runs a function on the I/O thread
    const Clock* clock = &Clock::system();
    ServiceOptions options;
  };
  explicit DocumentService(Parts parts);
  ~DocumentService();
  DocumentService(const DocumentService&) = delete;
  DocumentService& operator=(const DocumentService&) = delete;

  // --- content ---

  /// Errors: as createDocument(); of a path as openInside(); of an upload as Upload::append();
  /// ResourceExhausted "document_bytes_max", "disk_full"; Conflict "idempotency_key_reused".
  void push(PushRequest request, Done<Document> done);
  void create(CreateRequest request, Done<Document> done);
  /// Errors: as putContent(), and those of push() for the content.
  void write(WriteRequest request, Done<Changed> done);
  /// Edits of different callers to one document both count, unless `expected_version` says
  /// otherwise. Errors: as applyEdit() and checkEdit(); InvalidArgument "not_text" (AOF: `Edit only
  /// supported for text content types (got: T)`), "not_utf8"; ResourceExhausted "edit_bytes_max";
  /// Conflict "version_conflict".
  void edit(EditRequest request, Done<Edited> done);
  /// Of a placeholder: no bytes, version 0. Errors: NotFound "version_not_found"; InvalidArgument
  /// "not_text" (AOF: `Partial content retrieval is only supported for text content types`);
  /// "range_not_satisfiable" (details {"size_bytes"}); ResourceExhausted "content_too_large" above
  /// bytes_max (details {"size_bytes", "bytes_max"}).
  void read(ReadRequest request, Done<ReadContent> done);
  /// Errors: as InsideWriter and read().
  void pull(PullRequest request, Done<Pulled> done);
  /// Always there: errors come with the first piece.
  std::shared_ptr<Upload> openUpload();
  /// Of a placeholder: nothing, version 0. Errors: as read() without a limit of size;
  /// InvalidArgument "range_not_satisfiable" (details {"size_bytes"}).
  void openDownload(DownloadRequest request, Done<std::shared_ptr<Download>> done);

  // --- description ---

  /// The document, if it is as demanded: to refuse early what the change would refuse.
  void find(Caller caller, DocumentRef ref, Precondition precondition, Done<Document> done);
  void info(InfoRequest request, Done<DocumentInfo> done);
  void query(QueryRequest request, Done<QueryAnswer> done);
  void changeMetadata(Caller caller, MetadataChange change, Done<Document> done,
                      std::string idempotency_key = {}, Precondition precondition = {});
  /// The ids, children first.
  void remove(Caller caller, Deletion deletion, Done<std::vector<std::string>> done,
              std::string idempotency_key = {}, Precondition precondition = {});

  // --- versions ---

  void versions(Caller caller, DocumentRef ref, std::string before, std::int64_t count_max,
                Done<VersionPage> done);
  /// Errors: InvalidArgument "not_text", ResourceExhausted "diff_bytes_max", NotFound
  /// "version_not_found".
  void diff(DiffRequest request, Done<DiffAnswer> done);
  void restore(Caller caller, Restore restore, Done<Changed> done, std::string idempotency_key = {},
               Precondition precondition = {});

  /// For who types an id or a name: see completeDocument().
  void complete(Caller caller, std::string typed, std::int64_t count_max, Done<Completion> done);

  // --- relations ---

  void relate(Caller caller, NewRelation relation, Done<RelationPair> done,
              std::string idempotency_key = {});
  /// `partition` "": wherever its documents are.
  void changeRelation(Caller caller, std::string relation_id, std::string partition,
                      std::optional<std::string> note, Done<Relation> done,
                      std::string idempotency_key = {});
  void removeRelation(Caller caller, std::string relation_id, std::string partition,
                      Done<std::vector<std::int64_t>> done, std::string idempotency_key = {});
  void neighbourhood(Caller caller, NeighbourhoodRequest request, Done<Neighbourhood> done);
  void findPath(Caller caller, PathRequest request, Done<std::vector<Relation>> done);

  // --- partitions ---

  void createPartition(Caller caller, std::string name, std::string description,
                       Done<Partition> done);
  void listPartitions(Caller caller, Done<std::vector<Partition>> done);
  void deletePartition(Caller caller, std::string name, Done<DeletedPartition> done);

  // --- upkeep ---

  /// What there was to remove and has been.
  struct Swept {
    std::int64_t versions = 0;   ///< too old
    std::int64_t files = 0;      ///< of contents that no row names
    std::int64_t leftovers = 0;  ///< staged by writers that died
  };
  /// Carries out removals and the retention's rule of age. The service does so by itself after
  /// removals; call it at start and every hour or so.
  void sweep(Done<Swept> done);

  const ContentFiles& files() const;
  const ServiceOptions& options() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::documents
