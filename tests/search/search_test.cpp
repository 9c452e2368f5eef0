// Documents go in, the indexer works in the background, searches find them.
#include "server/search/search.hpp"

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/search/indexer.hpp"
#include "tests/search/embeddings_server.hpp"
#include "tests/search/support.hpp"

namespace tutti::search {
namespace {

/// Documents in memory. Thread-safe.
class FakeDocuments final : public DocumentSource {
 public:
  struct Document {
    Described described;
    std::string content;
    int failures = 0;  ///< reads that fail before one succeeds
  };
  Result<std::optional<Described>> describe(const std::string& id) override {
    const std::scoped_lock guard(mutex_);
    const auto found = documents_.find(id);
    if (found == documents_.end()) return std::optional<Described>();
    return std::optional(found->second.described);
  }
  Result<std::string> read(const Described& document, std::size_t) override {
    const std::scoped_lock guard(mutex_);
    const auto found = documents_.find(document.labels.document_id);
    if (found == documents_.end()) return Error(Code::NotFound, "gone");
    if (found->second.failures-- > 0) return Error(Code::Internal, "the disk hiccups");
    return found->second.content;
  }
  void put(const Document& document) {
    const std::scoped_lock guard(mutex_);
    documents_[document.described.labels.document_id] = document;
  }
  void remove(const std::string& id) {
    const std::scoped_lock guard(mutex_);
    documents_.erase(id);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Document> documents_;  // guarded by mutex_
};

class SearchServiceTest : public SearchTest {
 protected:
  SearchServiceTest() { options_.retry_ms = 20; }
  ~SearchServiceTest() override {
    search_.reset();
    indexer_.reset();
  }

  void useEmbeddings(EmbeddingsServer& server, const std::string& model = "fake") {
    EmbeddingsOptions options;
    options.url = server.url();
    options.model = model;
    options.answer_max_ms = 30'000;
    options.pause_ms = 20;
    auto made = Embeddings::create(options);
    ASSERT_TRUE(made.ok()) << made.error().text();
    embeddings_ = std::move(*made);
  }
  void start() {
    indexer_ = std::make_unique<Indexer>(*store_, documents_, embeddings_.get(), options_);
    indexer_->start();
    search_ = std::make_unique<Search>(*store_, embeddings_.get());
  }
  void push(const std::string& id, const std::string& text, const std::string& filename = "a.txt",
            int failures = 0) {
    documents_.put({{{id, 1, filename, "_global", {}}, "", static_cast<std::int64_t>(text.size())},
                    text,
                    failures});
    enqueue(id, "put");
  }
  void enqueue(const std::string& id, const std::string& change) {
    write([&](store::Tx& tx) {
      store::execute(tx,
                     "INSERT INTO document_index_queue(document_id, version, change, queued_at)"
                     " VALUES (?, 1, ?, '')",
                     id, change);
      return ok();
    });
  }
  /// Waits for a commit after which `sql` counts `wanted`.
  void awaitCount(const std::string& sql, std::int64_t wanted) {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t commits = 0;
    const auto observer = store_->onCommit([&] {
      const std::scoped_lock guard(mutex);
      ++commits;
      changed.notify_one();
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (std::uint64_t seen = 0; count(sql) != wanted;) {
      std::unique_lock guard(mutex);
      ASSERT_TRUE(changed.wait_until(guard, deadline, [&] { return commits != seen; }))
          << sql << " never counts " << wanted;
      seen = commits;
    }
  }
  void awaitVectors() {
    awaitCount("SELECT count(*) FROM document_index_queue", 0);
    awaitCount(
        "SELECT count(*) FROM search_chunks WHERE embedded <"
        " (SELECT coalesce(max(generation), 1) FROM search_models)",
        0);
  }
  SearchAnswer find(const std::string& query, std::optional<Mode> mode = std::nullopt) {
    SearchRequest request;
    request.query = query;
    request.mode = mode;
    request.wait_max_ms = 60'000;
    Result<SearchAnswer> answer = search_->searchAndWait(request);
    EXPECT_TRUE(answer.ok()) << answer.error().text();
    return answer.ok() ? *answer : SearchAnswer();
  }
  static std::string ids(const SearchAnswer& answer) {
    std::string all;
    for (const SearchResult& result : answer.results)
      all += (all.empty() ? "" : " ") + result.document_id;
    return all;
  }
  std::string errorOf(SearchRequest request) {
    const Result<SearchAnswer> answer = search_->searchAndWait(std::move(request));
    return answer.ok() ? "none" : std::string(answer.error().name());
  }

  FakeDocuments documents_;
  IndexerOptions options_;
  std::unique_ptr<Embeddings> embeddings_;
  std::unique_ptr<Indexer> indexer_;
  std::unique_ptr<Search> search_;
};

TEST_F(SearchServiceTest, ASearchFindsWhatWasQueuedBeforeIt) {
  start();
  for (int i = 0; i < 200; ++i) push("d" + std::to_string(i), "number n" + std::to_string(i));
  const SearchAnswer answer = find("n199");
  EXPECT_EQ(ids(answer), "d199");
  EXPECT_EQ(answer.indexing, 0);
  EXPECT_EQ(
      toJson(answer).dump(),
      R"({"indexing":0,"mode":"fulltext","query":"n199","results":[{"document_id":"d199",)"
      R"("filename":"a.txt","score":)" +
          Json(answer.results[0].score).dump() +
          R"(,"sections":[{"limit":11,"offset":0,"score":1.01,"text":"number **n199**"}]}]})");
}

TEST_F(SearchServiceTest, ChangesAndRemovalsFollow) {
  start();
  push("d1", "alpha");
  EXPECT_EQ(ids(find("alpha")), "d1");
  push("d1", "beta");
  EXPECT_EQ(ids(find("beta")), "d1");
  EXPECT_EQ(ids(find("alpha")), "");
  documents_.remove("d1");
  enqueue("d1", "remove");
  EXPECT_EQ(ids(find("beta")), "");
}

TEST_F(SearchServiceTest, ABrokenDocumentHarmsNoOtherAndIsFoundByName) {
  start();
  push("bad", std::string("\0\xff", 2), "picture.png");
  push("good", "alpha");
  EXPECT_EQ(ids(find("alpha")), "good");
  EXPECT_EQ(ids(find("picture")), "bad");
  read([](store::Tx& db) {
    EXPECT_EQ(problemOf(db, "bad").name, "not_text");
    EXPECT_EQ(problemOf(db, "good").name, "");
    return ok();
  });
}

TEST_F(SearchServiceTest, ADocumentThatCannotBeReadIsTriedAgain) {
  start();
  push("d1", "alpha", "a.txt", 2);
  push("d2", "beta");
  EXPECT_EQ(ids(find("beta")), "d2");
  awaitCount("SELECT count(*) FROM search_documents WHERE problem = ''", 2);
  EXPECT_EQ(ids(find("alpha")), "d1");
  EXPECT_EQ(count("SELECT count(*) FROM search_retries"), 0);
}

TEST_F(SearchServiceTest, OneThatNeverCanIsGivenUpWithItsReason) {
  options_.retry_ms = 1;
  options_.attempts_max = 3;
  start();
  push("d1", "alpha", "name.txt", 1000);
  awaitCount("SELECT count(*) FROM search_documents WHERE problem = 'internal'", 1);
  EXPECT_EQ(ids(find("name")), "d1");
}

TEST_F(SearchServiceTest, OnlyWhoHoldsTheLockIndexes) {
  {
    const Result<Fd> other = tryLockFile(folder_.path() / "search.lock");
    ASSERT_TRUE(other.ok() && *other);
    options_.lock_retry_ms = 5;
    start();
    push("d1", "alpha");
    SearchRequest request;
    request.query = "alpha";
    request.wait_max_ms = 50;
    const auto answer = search_->searchAndWait(request);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(ids(*answer), "");
    EXPECT_EQ(answer->indexing, 1);
  }
  EXPECT_EQ(ids(find("alpha")), "d1");  // the other is gone
}

TEST_F(SearchServiceTest, BadRequestsAreNamed) {
  start();
  SearchRequest request;
  request.query = "AND OR";
  EXPECT_EQ(errorOf(request), "invalid_query");
  request.query = "a";
  request.limit = 0;
  EXPECT_EQ(errorOf(request), "invalid_limit");
  request.limit = 101;
  EXPECT_EQ(errorOf(request), "invalid_limit");
  request.limit = 10;
  request.mode = Mode::Semantic;
  EXPECT_EQ(errorOf(request), "semantic_not_enabled");
}

TEST_F(SearchServiceTest, MeaningFindsWhatWordsDoNot) {
  EmbeddingsServer server;
  useEmbeddings(server);
  start();
  push("d1", "the physician drives an automobile");
  push("d2", "rain falls on the sea");
  push("d3", "a car is parked");
  awaitVectors();
  EXPECT_EQ(ids(find("doctor", Mode::FullText)), "");
  const SearchAnswer meant = find("doctor car", Mode::Semantic);
  ASSERT_EQ(meant.results.size(), 3U);
  EXPECT_EQ(meant.results[0].document_id, "d1");
  EXPECT_EQ(meant.results[0].sections[0].limit, 34);
  const SearchAnswer both = find("doctor car");
  EXPECT_EQ(both.mode, Mode::Hybrid);
  EXPECT_EQ(both.results[0].document_id, "d3");  // second by meaning, first by words
  EXPECT_NEAR(both.results[0].score, 1.0 / 61 + 1.0 / 62, 1e-9);
  EXPECT_NEAR(both.results[1].score, 1.0 / 61, 1e-9);
}

TEST_F(SearchServiceTest, AMeaninglessQueryIsRefusedInEveryMode) {
  EmbeddingsServer server;
  useEmbeddings(server);
  start();
  SearchRequest request;
  request.query = " ";
  request.mode = Mode::Semantic;
  EXPECT_EQ(errorOf(request), "invalid_query");
}

TEST_F(SearchServiceTest, WithoutItsServerAHybridSearchIsByWordsAndSaysSo) {
  EmbeddingsServer server;
  useEmbeddings(server);
  start();
  push("d1", "alpha");
  awaitVectors();
  server.stop();
  const SearchAnswer answer = find("alpha");
  EXPECT_EQ(ids(answer), "d1");
  EXPECT_EQ(answer.mode, Mode::FullText);
  EXPECT_EQ(answer.problem.name, "embeddings_unreachable");
  SearchRequest request;
  request.query = "alpha";
  request.mode = Mode::Semantic;
  EXPECT_EQ(errorOf(request), "embeddings_unreachable");
}

TEST_F(SearchServiceTest, VectorsFollowWhenTheServerIsBack) {
  EmbeddingsServer server({"--mode", "error"});
  useEmbeddings(server);
  start();
  push("d1", "alpha");
  EXPECT_EQ(ids(find("alpha", Mode::FullText)), "d1");
  EXPECT_EQ(count("SELECT count(*) FROM search_vectors"), 0);
  server.mode("ok");
  awaitVectors();
  EXPECT_EQ(ids(find("alpha", Mode::Semantic)), "d1");
}

TEST_F(SearchServiceTest, ATextThatTheServerWillNotHaveKeepsNoOtherFromItsVector) {
  EmbeddingsServer server({"--reject", "poison"});
  useEmbeddings(server);
  start();
  push("d1", "alpha");
  push("d2", "poison");
  push("d3", "gamma");
  awaitVectors();
  EXPECT_EQ(count("SELECT count(*) FROM search_vectors"), 2);
  EXPECT_EQ(ids(find("poison", Mode::FullText)), "d2");
}

TEST_F(SearchServiceTest, ATextThatTheModelHasNoDirectionForKeepsNoOtherFromItsVector) {
  EmbeddingsServer server({"--overflow", "poison", "--unknown", "blank"});
  useEmbeddings(server);
  start();
  push("d1", "alpha");
  push("d2", "poison");
  push("d3", "blank");
  push("d4", "gamma");
  awaitVectors();
  EXPECT_EQ(count("SELECT count(*) FROM search_vectors"), 2);
  EXPECT_EQ(ids(find("gamma", Mode::Semantic)).substr(0, 2), "d4");
}

TEST_F(SearchServiceTest, AnotherModelMeansAllVectorsAnew) {
  EmbeddingsServer server;
  EmbeddingsServer larger({"--dimensions", "96"});
  useEmbeddings(server);
  start();
  push("d1", "alpha");
  push("d2", "beta");
  awaitVectors();
  EXPECT_EQ(count("SELECT sum(length(vector)) FROM search_vectors"), 2 * 64 * 4);
  search_.reset();
  indexer_.reset();
  useEmbeddings(larger, "larger");
  start();
  awaitCount("SELECT sum(length(vector)) FROM search_vectors", 2 * 96 * 4);
  EXPECT_EQ(ids(find("beta", Mode::Semantic)).substr(0, 2), "d2");
}

TEST_F(SearchServiceTest, ASecretChangeOfDimensionIsRefused) {
  EmbeddingsServer server;
  useEmbeddings(server);
  start();
  push("d1", "alpha");
  awaitVectors();
  server.mode("other_dimension");
  push("d2", "beta");
  SearchRequest request;
  request.query = "alpha";
  request.mode = Mode::Semantic;
  EXPECT_EQ(errorOf(request), "embeddings_dimension");
  EXPECT_EQ(count("SELECT count(*) FROM search_vectors"), 1);
  const SearchAnswer words = find("alpha");
  EXPECT_EQ(ids(words), "d1");
  EXPECT_EQ(words.problem.name, "embeddings_dimension");
}

TEST_F(SearchServiceTest, ASearchUnderWayEndsWithTheService) {
  EmbeddingsServer server({"--mode", "slow"});
  useEmbeddings(server);
  start();
  std::promise<std::string> told;
  SearchRequest request;
  request.query = "alpha";
  request.mode = Mode::Semantic;
  search_->search(request, [&](const Result<SearchAnswer>& answer) {
    told.set_value(answer.ok() ? "none" : std::string(codeName(answer.error().code())));
  });
  search_.reset();
  EXPECT_EQ(told.get_future().get(), "cancelled");
}

}  // namespace
}  // namespace tutti::search
