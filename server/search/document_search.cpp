#include "server/search/document_search.hpp"

#include <nlohmann/json.hpp>

#include "server/documents/partitions.hpp"
#include "server/documents/relations.hpp"
#include "server/search/indexer.hpp"
#include "server/search/stored_documents.hpp"

namespace tutti::search {
namespace {

/// The partitions that the caller means. None: all there are.
Result<std::vector<std::string>> partitionsOf(store::Connection& db, const DocumentQuery& query) {
  auto viewer = documents::viewerOf(db, query.caller);
  if (!viewer.ok()) return std::move(viewer).error();
  auto sight = documents::sightOf(db, *viewer, query.place);
  if (!sight.ok()) return std::move(sight).error();
  if (sight->everything) return std::vector<std::string>{};
  std::vector<std::string> names = std::move(sight->names);
  if (!sight->visible) return names;
  names.emplace_back(documents::kGlobalPartition);
  for (const documents::Partition& partition : documents::listPartitions(db, *viewer))
    if (partition.kind == documents::PartitionKind::Named) names.push_back(partition.name);
  return names;
}

Status addRelations(store::Connection& db, const documents::Caller& caller, DocumentsFound& found) {
  auto viewer = documents::viewerOf(db, caller);
  if (!viewer.ok()) return std::move(viewer).error();
  for (const SearchResult& result : found.answer.results) {
    auto relations = documents::relationsOf(db, *viewer, {result.document_id, ""});
    if (relations.ok()) found.relations[result.document_id] = std::move(*relations);
  }
  return ok();
}

}  // namespace

struct DocumentSearch::Impl : std::enable_shared_from_this<Impl> {
  Impl(Parts given, std::unique_ptr<Embeddings> client)
      : store(given.store),
        post(std::move(given.post)),
        embeddings(std::move(client)),
        source(store),
        indexer(store, source, embeddings.get()),
        search(store, embeddings.get()) {}

  void startIndexer() {
    if (!std::exchange(indexing, true)) indexer.start();
  }
  void look();
  void searchIn(const DocumentQuery& query, std::vector<std::string> partitions, Done done);
  void relate(const documents::Caller& caller, std::shared_ptr<DocumentsFound> found, Done done);

  store::Store& store;
  std::function<void(std::function<void()>)> post;
  std::unique_ptr<Embeddings> embeddings;
  StoredDocuments source;
  Indexer indexer;
  Search search;
  bool indexing = false;
  bool looking = false;
  bool look_again = false;
};

DocumentSearch::DocumentSearch(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
DocumentSearch::~DocumentSearch() = default;

Result<std::unique_ptr<DocumentSearch>> DocumentSearch::create(Parts parts) {
  std::unique_ptr<Embeddings> client;
  if (parts.embeddings) {
    auto made = Embeddings::create(*parts.embeddings);
    if (!made.ok()) return std::move(made).error();
    client = std::move(*made);
  }
  auto impl = std::make_shared<Impl>(std::move(parts), std::move(client));
  return std::unique_ptr<DocumentSearch>(new DocumentSearch(std::move(impl)));
}

void DocumentSearch::wake() {
  if (impl_->indexing) return impl_->indexer.wake();
  impl_->look();
}

void DocumentSearch::Impl::look() {
  // What comes during a look may be after what it sees.
  look_again = looking;
  if (std::exchange(looking, true)) return;
  auto some = std::make_shared<bool>(false);
  store.read(
      [some](store::Connection& db) -> Status {
        store::Statement queued(db, "SELECT 1 FROM document_index_queue LIMIT 1");
        *some = queued.step();
        return ok();
      },
      [weak = weak_from_this(), to_io = post, some](const Status&) {
        to_io([weak, some] {
          const auto impl = weak.lock();
          if (!impl) return;
          impl->looking = false;
          if (*some) return impl->startIndexer();
          if (std::exchange(impl->look_again, false)) impl->look();
        });
      });
}

void DocumentSearch::search(DocumentQuery query, Done done) {
  impl_->startIndexer();
  auto partitions = std::make_shared<std::vector<std::string>>();
  impl_->store.read(
      [query, partitions](store::Connection& db) -> Status {
        auto found = partitionsOf(db, query);
        if (!found.ok()) return std::move(found).error();
        *partitions = std::move(*found);
        return ok();
      },
      [weak = impl_->weak_from_this(), post = impl_->post, query, partitions,
       done = std::move(done)](Status status) mutable {
        post([weak, query = std::move(query), partitions, done = std::move(done),
              status = std::move(status)]() mutable {
          if (!status.ok()) return done(status.error());
          const auto impl = weak.lock();
          if (!impl) return;  // nobody is served any more
          impl->searchIn(query, std::move(*partitions), std::move(done));
        });
      });
}

void DocumentSearch::Impl::searchIn(const DocumentQuery& query, std::vector<std::string> partitions,
                                    Done done) {
  SearchRequest request;
  request.query = query.query;
  request.mode = query.mode;
  request.filter.partitions = std::move(partitions);
  request.filter.tags = query.tags;
  request.limit = query.limit;
  // Held weakly by the search's own threads: they must not be what destroys them.
  search.search(std::move(request), [weak = weak_from_this(), to_io = post, caller = query.caller,
                                     include = query.include_relations,
                                     done = std::move(done)](Result<SearchAnswer> answer) mutable {
    auto found = std::make_shared<Result<SearchAnswer>>(std::move(answer));
    to_io([weak, caller, include, found, done = std::move(done)]() mutable {
      if (!found->ok()) return done(found->error());
      auto all = std::make_shared<DocumentsFound>();
      all->answer = std::move(**found);
      const auto impl = weak.lock();
      if (!include || !impl) return done(std::move(*all));
      impl->relate(caller, std::move(all), std::move(done));
    });
  });
}

void DocumentSearch::Impl::relate(const documents::Caller& caller,
                                  std::shared_ptr<DocumentsFound> found, Done done) {
  store.read([caller, found](store::Connection& db) { return addRelations(db, caller, *found); },
             [to_io = post, found, done = std::move(done)](Status status) mutable {
               to_io([found, done = std::move(done), status = std::move(status)] {
                 if (!status.ok()) return done(status.error());
                 done(std::move(*found));
               });
             });
}

Json toJson(const DocumentsFound& found, bool include_relations, const std::string& base_url) {
  Json said = toJson(found.answer);
  for (std::size_t i = 0; i < found.answer.results.size(); ++i) {
    const SearchResult& one = found.answer.results[i];
    Json& result = said["results"][i];
    if (!base_url.empty())
      result["document_url"] = base_url + documents::documentPath(one.document_id, one.partition);
    if (!include_relations) continue;
    const auto relations = found.relations.find(one.document_id);
    result["relations"] = relations == found.relations.end()
                              ? Json::object()
                              : documents::relationsByType(relations->second);
  }
  return said;
}

}  // namespace tutti::search
