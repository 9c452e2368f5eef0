#include "server/search/search.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <unordered_map>

#include "server/search/indexer.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::Statement;
using SteadyClock = std::chrono::steady_clock;

constexpr double kFusionRank = 60;
constexpr std::size_t kThreads = 3;  ///< searches at the same time: most wait for something
constexpr std::size_t kGraphStep = 200;

/// A chunk's section as an answer; nothing when it went meanwhile.
struct FoundChunk {
  std::string document_id;
  std::string filename;
  std::string partition;
  Section section;
};

std::string documentOf(Connection& db, std::int64_t chunk_id) {
  Statement row(db,
                "SELECT p.document_id FROM search_chunks c JOIN search_parts p"
                " ON p.part_id = c.part_id WHERE c.chunk_id = ?",
                chunk_id);
  return row.step() ? row.text(0) : std::string();
}

std::optional<FoundChunk> sectionOf(Connection& db, const VectorHit& hit) {
  Statement row(db,
                "SELECT d.document_id, d.filename, c.text_at, c.text_bytes, c.source_offset,"
                " c.source_limit, t.text, d.partition FROM search_chunks c JOIN search_parts p"
                " ON p.part_id = c.part_id JOIN search_documents d ON d.document_id = p.document_id"
                " JOIN search_text t ON t.rowid = c.part_id WHERE c.chunk_id = ?",
                hit.chunk_id);
  if (!row.step()) return std::nullopt;
  const auto at = static_cast<std::size_t>(row.integer(2));
  const auto size = static_cast<std::size_t>(row.integer(3));
  return FoundChunk{row.text(0),
                    row.text(1),
                    row.text(7),
                    {hit.similarity, row.integer(4), row.integer(5),
                     makeExcerpt(row.text(6), {at, size, at}, {}, {})}};
}

/// Sections of both sides, each once, in the order of the first.
void mergeSections(std::vector<Section>& to, const std::vector<Section>& more, std::size_t most) {
  for (const Section& section : more) {
    if (to.size() >= most) return;
    const bool known = std::any_of(to.begin(), to.end(), [&](const Section& one) {
      return one.offset == section.offset && one.limit == section.limit;
    });
    if (!known) to.push_back(section);
  }
}

/// Reciprocal rank fusion; equal scores by id, so that the order is always the same.
std::vector<SearchResult> fuse(std::vector<SearchResult> words, std::vector<SearchResult> meaning,
                               std::size_t sections_max) {
  std::map<std::string, SearchResult> fused;
  for (std::vector<SearchResult>* side : {&words, &meaning}) {
    double rank = 0;
    for (SearchResult& result : *side) {
      const double score = 1.0 / (kFusionRank + ++rank);
      const auto [place, fresh] = fused.emplace(result.document_id, result);
      if (!fresh) mergeSections(place->second.sections, result.sections, sections_max);
      place->second.score = (fresh ? 0 : place->second.score) + score;
    }
  }
  std::vector<SearchResult> all;
  for (auto& [id, result] : fused) all.push_back(std::move(result));
  std::stable_sort(all.begin(), all.end(),
                   [](const SearchResult& a, const SearchResult& b) { return a.score > b.score; });
  return all;
}

Status checkRequest(const SearchRequest& request) {
  if (request.limit >= 1 && request.limit <= 100) return ok();
  return Error(Code::InvalidArgument, "limit is " + std::to_string(request.limit),
               "pass 1 to 100 documents")
      .named("invalid_limit");
}
}  // namespace

struct Search::Impl {
  Impl(store::Store& the_store, Embeddings* the_embeddings, SearchOptions the_options)
      : store(the_store),
        embeddings(the_embeddings),
        options(std::move(the_options)),
        vectors(options.vectors) {
    observer = store.onCommit([this] {
      const std::scoped_lock guard(commit_mutex);
      ++commits;
      committed.notify_all();
    });
  }

  ~Impl() {
    observer.reset();
    {
      const std::scoped_lock guard(mutex);
      stop.request_stop();
      wake.notify_all();
    }
    {
      const std::scoped_lock guard(commit_mutex);
      committed.notify_all();
    }
    for (std::thread& thread : threads) thread.join();
    for (Item& item : queue) item.done(Error(Code::Cancelled, "the search is shutting down"));
  }

  // --- threads ---

  struct Item {
    SearchRequest request;
    Done done;
  };

  void submit(Item item) {
    {
      const std::scoped_lock guard(mutex);
      if (queue.size() < options.queue_max) {
        queue.push_back(std::move(item));
        if (queue.size() > resting && threads.size() < kThreads)
          threads.emplace_back([this] { loop(); });
        wake.notify_one();
        return;
      }
    }
    item.done(Error(Code::Unavailable,
                    std::to_string(options.queue_max) + " searches are waiting already",
                    "try again")
                  .named("search_busy"));
  }

  void loop() {
    std::unique_lock guard(mutex);
    while (!stop.stop_requested()) {
      if (queue.empty()) {
        ++resting;
        wake.wait_for(guard, std::chrono::milliseconds(options.idle_max_ms));
        --resting;
        if (queue.empty()) tidy(guard);
        continue;
      }
      const Item item = std::move(queue.front());
      queue.pop_front();
      guard.unlock();
      item.done(run(item.request));
      growGraph();
      guard.lock();
    }
  }

  /// Lets vectors go that nobody asked for.
  void tidy(std::unique_lock<std::mutex>& guard) {
    guard.unlock();
    {
      const std::scoped_lock held(vector_mutex);
      if (SteadyClock::now() - vectors_used >= std::chrono::milliseconds(options.idle_max_ms))
        vectors.clear();
    }
    guard.lock();
  }

  /// Builds the graph of many vectors in steps, while no search waits.
  void growGraph() {
    for (bool more = true; more && !stop.stop_requested();) {
      {
        const std::scoped_lock guard(mutex);
        if (!queue.empty()) return;
      }
      const std::unique_lock held(vector_mutex, std::try_to_lock);
      more = held.owns_lock() && vectors.extendGraph(kGraphStep);
    }
  }

  // --- one search ---

  Result<SearchAnswer> run(const SearchRequest& request) {
    if (Status checked = checkRequest(request); !checked.ok()) return checked.error();
    SearchAnswer answer;
    answer.query = request.query;
    answer.mode = request.mode.value_or(embeddings ? Mode::Hybrid : Mode::FullText);
    if (answer.mode != Mode::FullText && embeddings == nullptr)
      return Error(Code::FailedPrecondition, "Semantic search is not enabled",
                   "configure an embeddings server, or search with mode 'fulltext'")
          .named("semantic_not_enabled");
    const Result<Query> query = parseQuery(request.query);
    if (!query.ok() && answer.mode != Mode::Semantic) return query.error();
    if (request.query.find_first_not_of(" \t\r\n") == std::string::npos) return query.error();

    awaitQueued(request.wait_max_ms);
    std::optional<Vector> meant;
    if (answer.mode != Mode::FullText) {
      Result<std::vector<Vector>> vector = embeddings->embed({&request.query, 1}, stop.get_token(),
                                                             embeddings->options().query_max_ms);
      if (vector.ok()) meant = std::move(vector->front());
      if (!vector.ok() && answer.mode == Mode::Semantic) return vector.error();
      if (!vector.ok()) loseMeaning(answer, vector.error());
    }
    return collect(request, query, meant, std::move(answer));
  }

  static void loseMeaning(SearchAnswer& answer, const Error& error) {
    answer.mode = Mode::FullText;
    answer.problem = {std::string(error.name()), error.text()};
  }

  Result<SearchAnswer> collect(const SearchRequest& request, const Result<Query>& query,
                               const std::optional<Vector>& meant, SearchAnswer answer) {
    const bool fused = answer.mode == Mode::Hybrid;
    const std::size_t taken = fused ? std::max(options.fused_max, request.limit) : request.limit;
    Status read = store.readAndWait([&](Connection& db) {
      std::vector<SearchResult> meaning;
      if (meant) {
        auto found = byMeaning(db, request, *meant, taken);
        if (!found.ok() && answer.mode == Mode::Semantic) return Status(found.error());
        if (!found.ok()) loseMeaning(answer, found.error());
        if (found.ok()) meaning = std::move(*found);
      }
      std::vector<SearchResult> words;
      TextHits hits;
      if (answer.mode != Mode::Semantic) words = byWords(db, request, *query, taken, hits);
      answer.results = answer.mode == Mode::Semantic
                           ? std::move(meaning)
                           : (answer.mode == Mode::Hybrid
                                  ? fuse(std::move(words), std::move(meaning), request.sections_max)
                                  : std::move(words));
      if (answer.results.size() > request.limit) answer.results.resize(request.limit);
      addTextSections(db, request, hits, answer.results);
      for (SearchResult& result : answer.results)
        result.problem = problemOf(db, result.document_id);
      const bool counts_vectors = answer.mode != Mode::FullText;
      const Backlog backlog =
          backlogOf(db, counts_vectors ? generationOf(db, embeddings->identity()) : 0);
      answer.indexing = backlog.documents;
      answer.embedding = backlog.chunks;
      return ok();
    });
    if (!read.ok()) return read.error();
    return answer;
  }

  std::vector<SearchResult> byWords(Connection& db, const SearchRequest& request,
                                    const Query& query, std::size_t most, TextHits& hits) const {
    hits = searchText(db, query, request.filter, most, options.text);
    std::vector<SearchResult> results;
    for (const TextHit& hit : hits.hits)
      results.push_back({hit.document_id, hit.filename, hit.partition, hit.score, {}});
    return results;
  }

  /// Only for the documents that are answered with: it reads their texts.
  void addTextSections(Connection& db, const SearchRequest& request, const TextHits& hits,
                       std::vector<SearchResult>& results) const {
    std::unordered_map<std::string, const TextHit*> by_id;
    for (const TextHit& hit : hits.hits) by_id[hit.document_id] = &hit;
    for (SearchResult& result : results) {
      const auto found = by_id.find(result.document_id);
      if (found == by_id.end()) continue;
      std::vector<Section> sections =
          findSections(db, hits, *found->second, request.sections_max, request.marks, options.text);
      mergeSections(sections, result.sections, request.sections_max);
      result.sections = std::move(sections);
    }
  }

  Result<std::vector<SearchResult>> byMeaning(Connection& db, const SearchRequest& request,
                                              const Vector& query, std::size_t most) {
    std::unordered_map<std::string, bool> accepted;
    VectorIndex::Wanted wanted;
    // Several sections of one document may be among the best.
    wanted.hits_max = most * 2;
    wanted.partitions = request.filter.partitions;
    if (request.filter.accept || !request.filter.tags.empty())
      wanted.accept = [&](std::int64_t chunk_id) {
        const std::string id = documentOf(db, chunk_id);
        const auto known = accepted.find(id);
        if (known != accepted.end()) return known->second;
        return accepted[id] = hasTags(db, chunk_id, request.filter.tags) &&
                              (!request.filter.accept || request.filter.accept(db, id));
      };
    Result<std::vector<VectorHit>> hits = nearest(db, query, wanted);
    if (!hits.ok()) return hits.error();
    std::vector<SearchResult> results;
    std::unordered_map<std::string, std::size_t> places;
    for (const VectorHit& hit : *hits) {
      const std::optional<FoundChunk> found = sectionOf(db, hit);
      if (!found) continue;
      const auto [place, fresh] = places.emplace(found->document_id, results.size());
      if (fresh && results.size() >= most) break;
      if (fresh)
        results.push_back({found->document_id,
                           found->filename,
                           found->partition,
                           hit.similarity,
                           {found->section}});
      else
        mergeSections(results[place->second].sections, {found->section}, request.sections_max);
    }
    return results;
  }

  static bool hasTags(Connection& db, std::int64_t chunk_id, const std::vector<std::string>& tags) {
    if (tags.empty()) return true;
    Statement row(db,
                  "SELECT t.tags FROM search_chunks c JOIN search_text t ON t.rowid = c.part_id"
                  " WHERE c.chunk_id = ?",
                  chunk_id);
    const std::string lines = row.step() ? "\n" + row.text(0) : std::string();
    return std::all_of(tags.begin(), tags.end(), [&](const std::string& tag) {
      return lines.find("\n" + tag + "\n") != std::string::npos;
    });
  }

  Result<std::vector<VectorHit>> nearest(Connection& db, const Vector& query,
                                         const VectorIndex::Wanted& wanted) {
    const std::scoped_lock held(vector_mutex);
    vectors_used = SteadyClock::now();
    const std::int64_t generation = generationOf(db, embeddings->identity());
    if (generation == 0) return std::vector<VectorHit>();
    vectors.refresh(db, generation);
    return vectors.search(db, query, wanted);
  }

  /// What was queued before this call is what a caller expects to find.
  void awaitQueued(std::int64_t wait_max_ms) {
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(wait_max_ms);
    std::optional<std::int64_t> last;
    for (;;) {
      std::uint64_t seen = 0;
      {
        const std::scoped_lock guard(commit_mutex);
        seen = commits;
      }
      bool waits = false;
      const Status read = store.readAndWait([&](Connection& db) {
        if (!last) {
          Statement newest(db, "SELECT coalesce(max(id), 0) FROM document_index_queue");
          last = newest.step() ? newest.integer(0) : 0;
        }
        Statement older(db, "SELECT 1 FROM document_index_queue WHERE id <= ? LIMIT 1", *last);
        waits = older.step();
        return ok();
      });
      if (!read.ok() || !waits || SteadyClock::now() >= deadline || stop.stop_requested()) return;
      // Another process may be the one that indexes: its commits are not told here.
      const auto look = std::min(deadline, SteadyClock::now() + std::chrono::milliseconds(25));
      std::unique_lock guard(commit_mutex);
      committed.wait_until(guard, look, [&] { return commits != seen || stop.stop_requested(); });
    }
  }

  store::Store& store;
  Embeddings* const embeddings;
  const SearchOptions options;

  // Searches wait for the embeddings server and the index, so they have threads and these locks.
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Item> queue;            // guarded by mutex
  std::size_t resting = 0;           // guarded by mutex
  std::vector<std::thread> threads;  // guarded by mutex until they are joined
  std::stop_source stop;

  std::mutex vector_mutex;
  VectorIndex vectors;                   // guarded by vector_mutex
  SteadyClock::time_point vectors_used;  // guarded by vector_mutex

  std::mutex commit_mutex;
  std::condition_variable committed;
  std::uint64_t commits = 0;  // guarded by commit_mutex
  std::shared_ptr<void> observer;
};

std::string_view toString(Mode mode) {
  switch (mode) {
    case Mode::FullText:
      return "fulltext";
    case Mode::Semantic:
      return "semantic";
    case Mode::Hybrid:
      return "hybrid";
  }
  return "";
}

std::optional<Mode> parseMode(std::string_view word) {
  for (const Mode mode : {Mode::FullText, Mode::Semantic, Mode::Hybrid})
    if (toString(mode) == word) return mode;
  return std::nullopt;
}

namespace {
void addProblem(Json& to, const Problem& problem) {
  if (problem.name.empty()) return;
  to["problem"] = Json::object();
  to["problem"]["name"] = problem.name;
  to["problem"]["message"] = problem.text;
}
}  // namespace

Json toJson(const SearchAnswer& answer) {
  Json object = Json::object();
  object["query"] = answer.query;
  object["mode"] = toString(answer.mode);
  object["results"] = Json::array();
  for (const SearchResult& result : answer.results) {
    Json one = Json::object();
    one["document_id"] = result.document_id;
    one["filename"] = result.filename;
    one["score"] = result.score;
    one["sections"] = Json::array();
    for (const Section& section : result.sections) {
      Json part = Json::object();
      part["score"] = section.score;
      part["offset"] = section.offset;
      part["limit"] = section.limit;
      part["text"] = section.text;
      one["sections"].push_back(std::move(part));
    }
    addProblem(one, result.problem);
    object["results"].push_back(std::move(one));
  }
  object["indexing"] = answer.indexing;
  if (answer.embedding > 0) object["embedding"] = answer.embedding;
  addProblem(object, answer.problem);
  return object;
}

Search::Search(store::Store& store, Embeddings* embeddings, SearchOptions options)
    : impl_(std::make_unique<Impl>(store, embeddings, std::move(options))) {}
Search::~Search() = default;

void Search::search(SearchRequest request, Done done) {
  impl_->submit({std::move(request), std::move(done)});
}

Result<SearchAnswer> Search::searchAndWait(SearchRequest request) {
  std::promise<Result<SearchAnswer>> promise;
  auto answer = promise.get_future();
  search(std::move(request),
         [&promise](Result<SearchAnswer> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

}  // namespace tutti::search
