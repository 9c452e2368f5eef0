// What goes straight to the store, and upkeep.
#include "server/documents/service.hpp"

#include <nlohmann/json.hpp>

#include "server/documents/crash_point.hpp"
#include "server/documents/service_impl.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
namespace {
constexpr std::int64_t kSweptAtOnce = 256;

Json orNull(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}
Json orNull(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

agents::BodyDigest bodyOfChange(const MetadataChange& change, const Precondition& precondition) {
  Json metadata = Json::object();
  for (const auto& [key, value] : change.metadata) metadata[key] = orNull(value);
  return bodyOf(Json::array({"metadata", change.ref.document_id, change.ref.partition,
                             orNull(change.filename), orNull(change.content_type),
                             change.tags ? Json(*change.tags) : Json(nullptr), std::move(metadata),
                             orNull(change.expected_revision)}),
                precondition);
}
}  // namespace

DocumentService::DocumentService(Parts parts) : impl_(std::make_shared<Impl>(std::move(parts))) {}

DocumentService::~DocumentService() {
  impl_->worker->stop();  // first: it gives the other its jobs
  impl_->long_worker->stop();
}

const ContentFiles& DocumentService::files() const {
  return impl_->files;
}

const ServiceOptions& DocumentService::options() const {
  return impl_->parts.options;
}

void DocumentService::find(Caller caller, DocumentRef ref, Precondition precondition,
                           Done<Document> done) {
  impl_->look<Document>(
      caller,
      [ref = std::move(ref), precondition = std::move(precondition)](
          store::Connection& db, const Viewer& viewer) -> Result<Document> {
        if (Status held = demand(db, viewer, ref, precondition); !held.ok())
          return std::move(held).error();
        return findDocument(db, viewer, ref);
      },
      std::move(done));
}

void DocumentService::info(InfoRequest request, Done<DocumentInfo> done) {
  impl_->look<DocumentInfo>(
      request.caller,
      [ref = request.ref](store::Connection& db, const Viewer& viewer) -> Result<DocumentInfo> {
        auto document = findDocument(db, viewer, ref);
        if (!document.ok()) return std::move(document).error();
        auto relations = relationsOf(db, viewer, ref);
        if (!relations.ok()) return std::move(relations).error();
        return DocumentInfo{std::move(*document), std::move(*relations)};
      },
      std::move(done));
}

void DocumentService::query(QueryRequest request, Done<QueryAnswer> done) {
  const Caller caller = request.caller;
  impl_->look<QueryAnswer>(
      caller,
      [request = std::move(request), limits = impl_->parts.options.limits](
          store::Connection& db, const Viewer& viewer) -> Result<QueryAnswer> {
        auto page = queryDocuments(db, viewer, request.filter, limits);
        if (!page.ok()) return std::move(page).error();
        QueryAnswer answer;
        answer.next = std::move(page->next);
        for (Document& document : page->documents) {
          DocumentInfo info;
          if (request.include_relations) {
            auto relations = relationsOf(db, viewer, {document.id, {}});
            if (!relations.ok()) return std::move(relations).error();
            info.relations = std::move(*relations);
          }
          info.document = std::move(document);
          answer.documents.push_back(std::move(info));
        }
        return answer;
      },
      std::move(done));
}

void DocumentService::complete(Caller caller, std::string typed, std::int64_t count_max,
                               Done<Completion> done) {
  impl_->look<Completion>(
      caller,
      [typed = std::move(typed), count_max, limits = impl_->parts.options.limits](
          store::Connection& db, const Viewer& viewer) {
        return completeDocument(db, viewer, typed, count_max, limits);
      },
      std::move(done));
}

void DocumentService::changeMetadata(Caller caller, MetadataChange change, Done<Document> done,
                                     std::string idempotency_key, Precondition precondition) {
  RepeatedCall call{"doc_metadata", keyOf(caller, idempotency_key), {}};
  if (!call.key.empty()) call.body = bodyOfChange(change, precondition);
  impl_->change<Document>(
      caller,
      [change = std::move(change), call = std::move(call), precondition = std::move(precondition)](
          store::Tx& tx, const Author& author) -> Result<Document> {
        auto before = answerBefore(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return std::move((*before)->document);
        if (Status held = demand(tx, author.viewer, change.ref, precondition); !held.ok())
          return std::move(held).error();
        auto document = documents::changeMetadata(tx, author, change);
        if (document.ok()) keepAnswer(tx, call, Edited{*document, true, {}, {}}, author.now);
        return document;
      },
      std::move(done));
}

void DocumentService::remove(Caller caller, Deletion deletion, Done<std::vector<std::string>> done,
                             std::string idempotency_key, Precondition precondition) {
  using Ids = std::vector<std::string>;
  RepeatedCall call{"doc_delete", keyOf(caller, idempotency_key), {}};
  if (!call.key.empty())
    call.body = bodyOf(Json::array({deletion.ref.document_id, deletion.ref.partition,
                                    orNull(deletion.expected_version)}),
                       precondition);
  impl_->change<Ids>(
      caller,
      [impl = impl_.get(), deletion = std::move(deletion), call = std::move(call),
       precondition = std::move(precondition)](store::Tx& tx, const Author& author) -> Result<Ids> {
        auto before = keptAnswer(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return (*before)->get<Ids>();
        if (Status held = demand(tx, author.viewer, deletion.ref, precondition); !held.ok())
          return std::move(held).error();
        auto ids = deleteDocument(tx, author, deletion);
        if (!ids.ok()) return ids;
        keep(tx, call, Json(*ids), author.now);
        impl->sweepSoon(tx);
        return ids;
      },
      std::move(done));
}

void DocumentService::versions(Caller caller, DocumentRef ref, std::string before,
                               std::int64_t count_max, Done<VersionPage> done) {
  const std::int64_t most =
      std::clamp<std::int64_t>(count_max, 0, impl_->parts.options.limits.page_max);
  impl_->look<VersionPage>(
      caller,
      [ref = std::move(ref), before = std::move(before), most](store::Connection& db,
                                                               const Viewer& viewer) {
        return listVersions(db, viewer, ref, before, most);
      },
      std::move(done));
}

void DocumentService::restore(Caller caller, Restore restore, Done<Changed> done,
                              std::string idempotency_key, Precondition precondition) {
  // As doc_write has both, one key does not stand for both.
  RepeatedCall call{"doc_write", keyOf(caller, idempotency_key), {}};
  if (!call.key.empty())
    call.body =
        bodyOf(Json::array({"restore", restore.ref.document_id, restore.ref.partition,
                            restore.version, orNull(restore.expected_version), restore.note}),
               precondition);
  impl_->change<Changed>(
      caller,
      [impl = impl_.get(), restore = std::move(restore), call = std::move(call),
       precondition = std::move(precondition)](store::Tx& tx,
                                               const Author& author) -> Result<Changed> {
        auto before = answerBefore(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return Changed{std::move((*before)->document), (*before)->changed};
        if (Status held = demand(tx, author.viewer, restore.ref, precondition); !held.ok())
          return std::move(held).error();
        auto changed = restoreVersion(tx, author, restore);
        if (!changed.ok()) return changed;
        keepAnswer(tx, call, Edited{changed->document, changed->changed, {}, {}}, author.now);
        impl->sweepSoon(tx);
        return changed;
      },
      std::move(done));
}

// --- relations ---

void DocumentService::relate(Caller caller, NewRelation relation, Done<RelationPair> done,
                             std::string idempotency_key) {
  RepeatedCall call{"doc_link", keyOf(caller, idempotency_key), {}};
  if (!call.key.empty())
    call.body =
        bodyOf(Json::array({relation.definition, relation.from.document_id, relation.from.partition,
                            relation.to.document_id, relation.to.partition,
                            orNull(relation.from_to_note), orNull(relation.to_from_note)}));
  impl_->change<RelationPair>(
      caller,
      [relation = std::move(relation), call = std::move(call)](
          store::Tx& tx, const Author& author) -> Result<RelationPair> {
        auto before = keptAnswer(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return relationPairFrom(**before);
        auto pair = createRelation(tx, author, relation);
        if (pair.ok()) keep(tx, call, toAnswer(*pair), author.now);
        return pair;
      },
      std::move(done));
}

void DocumentService::changeRelation(Caller caller, std::string relation_id, std::string partition,
                                     std::optional<std::string> note, Done<Relation> done,
                                     std::string idempotency_key) {
  RepeatedCall call{"doc_link", keyOf(caller, idempotency_key), {}};
  if (!call.key.empty())
    call.body = bodyOf(Json::array({"update", relation_id, partition, orNull(note)}));
  impl_->change<Relation>(
      caller,
      [relation_id = std::move(relation_id), partition = std::move(partition),
       note = std::move(note),
       call = std::move(call)](store::Tx& tx, const Author& author) -> Result<Relation> {
        auto before = keptAnswer(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return relationFrom(**before);
        auto relation = changeRelationNote(tx, author, relation_id, partition, note);
        if (relation.ok()) keep(tx, call, toJson(*relation), author.now);
        return relation;
      },
      std::move(done));
}

void DocumentService::removeRelation(Caller caller, std::string relation_id, std::string partition,
                                     Done<std::vector<std::int64_t>> done,
                                     std::string idempotency_key) {
  using Ids = std::vector<std::int64_t>;
  RepeatedCall call{"doc_link", keyOf(caller, idempotency_key), {}};
  if (!call.key.empty()) call.body = bodyOf(Json::array({"remove", relation_id, partition}));
  impl_->change<Ids>(
      caller,
      [relation_id = std::move(relation_id), partition = std::move(partition),
       call = std::move(call)](store::Tx& tx, const Author& author) -> Result<Ids> {
        auto before = keptAnswer(tx, call);
        if (!before.ok()) return std::move(before).error();
        if (*before) return (*before)->get<Ids>();
        auto ids = deleteRelation(tx, author, relation_id, partition);
        if (ids.ok()) keep(tx, call, Json(*ids), author.now);
        return ids;
      },
      std::move(done));
}

void DocumentService::neighbourhood(Caller caller, NeighbourhoodRequest request,
                                    Done<Neighbourhood> done) {
  impl_->look<Neighbourhood>(
      caller,
      [request = std::move(request), limits = impl_->parts.options.limits](store::Connection& db,
                                                                           const Viewer& viewer) {
        return documents::neighbourhood(db, viewer, request, limits);
      },
      std::move(done));
}

void DocumentService::findPath(Caller caller, PathRequest request,
                               Done<std::vector<Relation>> done) {
  impl_->look<std::vector<Relation>>(
      caller,
      [request = std::move(request), limits = impl_->parts.options.limits](store::Connection& db,
                                                                           const Viewer& viewer) {
        return documents::findPath(db, viewer, request, limits);
      },
      std::move(done));
}

// --- partitions ---

void DocumentService::createPartition(Caller caller, std::string name, std::string description,
                                      Done<Partition> done) {
  impl_->change<Partition>(
      caller,
      [name = std::move(name), description = std::move(description)](store::Tx& tx,
                                                                     const Author& author) {
        return documents::createPartition(tx, name, description, author.now);
      },
      std::move(done));
}

void DocumentService::listPartitions(Caller caller, Done<std::vector<Partition>> done) {
  impl_->look<std::vector<Partition>>(
      caller,
      [](store::Connection& db, const Viewer& viewer) -> Result<std::vector<Partition>> {
        return documents::listPartitions(db, viewer);
      },
      std::move(done));
}

void DocumentService::deletePartition(Caller caller, std::string name,
                                      Done<DeletedPartition> done) {
  impl_->change<DeletedPartition>(
      caller,
      [impl = impl_.get(), name = std::move(name)](store::Tx& tx, const Author& author) {
        auto deleted = documents::deletePartition(tx, author.viewer, name, author.now);
        if (deleted.ok()) impl->sweepSoon(tx);
        return deleted;
      },
      std::move(done));
}

// --- upkeep ---

void DocumentService::Impl::sweepSoon(store::Connection& db) {
  store::Statement waiting(db, "SELECT 1 FROM document_removals LIMIT 1");
  if (waiting.step()) sweep_wanted = true;
}

void DocumentService::Impl::sweepIfWanted() {
  // What a busy worker does not take stays for the next sweep.
  if (sweep_wanted.exchange(false)) (void)worker->submit([this] { (void)sweepFiles(); });
}

Result<std::int64_t> DocumentService::Impl::sweepFiles() {
  std::int64_t removed = 0;
  for (;;) {
    auto lock = files.tryLockForRemoval();
    if (!lock.ok()) return std::move(lock).error();
    if (!*lock) return removed;
    std::vector<std::string> waiting;
    std::vector<std::string> free;
    const Status looked = parts.store.readAndWait([&](store::Connection& db) {
      waiting = removalsWaiting(db, kSweptAtOnce);
      free = unnamed(db, waiting);
      return ok();
    });
    if (!looked.ok()) return looked.error();
    if (waiting.empty()) return removed;
    crashPoint("unlinking");
    for (const std::string& hash : free)
      if (Status gone = files.remove(hash); !gone.ok()) return std::move(gone).error();
    crashPoint("unlinked");
    const Status done = parts.store.writeAndWait([&](store::Tx& tx) {
      removalsDone(tx, waiting);
      return ok();
    });
    if (!done.ok()) return done.error();
    removed += static_cast<std::int64_t>(free.size());
  }
}

Result<std::int64_t> DocumentService::Impl::sweepUnnamed() {
  auto there = files.list();
  if (!there.ok()) return std::move(there).error();
  std::vector<std::string> free = std::move(there->hashes);
  const auto keepUnnamed = [&] {
    return parts.store.readAndWait([&](store::Connection& db) {
      free = unnamed(db, free);
      return ok();
    });
  };
  if (Status looked = keepUnnamed(); !looked.ok()) return looked.error();
  if (free.empty()) return std::int64_t{0};
  // Nobody is between rename and commit under this lock: what has no row now never gets one.
  auto lock = files.tryLockForRemoval();
  if (!lock.ok()) return std::move(lock).error();
  if (!*lock) return std::int64_t{0};
  if (Status looked = keepUnnamed(); !looked.ok()) return looked.error();
  for (const std::string& hash : free)
    if (Status gone = files.remove(hash); !gone.ok()) return std::move(gone).error();
  return static_cast<std::int64_t>(free.size());
}

void DocumentService::sweep(Done<Swept> done) {
  impl_->work<Swept>(
      [impl = impl_.get()]() -> Result<Swept> {
        Swept swept;
        const Retention retention = impl->parts.options.retention;
        for (std::int64_t some = kSweptAtOnce; some == kSweptAtOnce; swept.versions += some) {
          const Status retired = impl->parts.store.writeAndWait([&](store::Tx& tx) {
            some = retireOldVersions(tx, retention, isoTimestamp(impl->parts.clock->now()),
                                     kSweptAtOnce);
            return ok();
          });
          if (!retired.ok()) return retired.error();
        }
        auto removed = impl->sweepFiles();
        if (!removed.ok()) return std::move(removed).error();
        swept.files = *removed;
        auto strays = impl->sweepUnnamed();
        if (!strays.ok()) return std::move(strays).error();
        swept.files += *strays;
        auto leftovers = impl->files.sweepLeftovers();
        if (!leftovers.ok()) return std::move(leftovers).error();
        swept.leftovers = *leftovers;
        return swept;
      },
      std::move(done));
}

}  // namespace tutti::documents
