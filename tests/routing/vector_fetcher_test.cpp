// Vectors of what routing learns from, got in the background, with a store.
#include "server/routing/vector_fetcher.hpp"

#include <gtest/gtest.h>

#include "tests/routing/store_support.hpp"
#include "tests/routing/vectors_support.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::routing {
namespace {

class VectorFetcherTest : public ::testing::Test {
 protected:
  VectorFetcherTest() {
    auto opened = store::Store::open(folder_.path(), routingTables());
    if (!opened.ok()) throw std::runtime_error(opened.error().text());
    store_ = std::move(*opened);
    make({.waiting_max = 100, .retry_ms = 1, .retry_max_ms = 4});
  }
  void make(VectorFetcherOptions options) {
    fetcher_ = std::make_unique<VectorFetcher>(VectorFetcher::Parts{
        .store = *store_,
        .source = server_.source(),
        .post = [this](std::function<void()> work) { posted_.post(std::move(work)); },
        .fetched = [this] { ++fetched_; },
        .options = options});
  }
  TextVectors stored(const std::vector<std::string>& texts) {
    std::vector<std::string> keys;
    for (const std::string& text : texts) keys.push_back(vectorKey(text));
    TextVectors found;
    const Status read = store_->readAndWait([&](store::Connection& db) {
      found = findVectors(db, "made up", keys, 0).vectors;
      return ok();
    });
    EXPECT_TRUE(read.ok());
    return found;
  }
  /// Of the fetcher's own thread, which posts nothing then.
  static void waitUntil(const std::function<bool()>& happened) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!happened()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }
  bool waitUntilFetched() {
    return posted_.runUntil([this] { return fetched_ > 0; });
  }

  fixture::TempFolder folder_;
  Posted posted_;
  MadeUpServer server_;
  int fetched_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<VectorFetcher> fetcher_;
};

TEST_F(VectorFetcherTest, WhatIsWantedComesIntoTheStoreInBatches) {
  std::vector<std::string> texts;
  for (int i = 0; i < 70; ++i) texts.push_back("text " + std::to_string(i));
  server_.hold(true);
  fetcher_->want(texts);
  fetcher_->want(texts);
  EXPECT_TRUE(fetcher_->fetching());
  server_.hold(false);
  ASSERT_TRUE(waitUntilFetched());
  EXPECT_FALSE(fetcher_->fetching());
  EXPECT_EQ(server_.calls(), 3) << "of 32, each text once";
  const TextVectors found = stored(texts);
  ASSERT_EQ(found.size(), 70U);
  EXPECT_EQ(*findVector(found, "text 7"), server_.vectors.of("text 7"));
}

TEST_F(VectorFetcherTest, FailureIsToldAndTriedAgainUntilItIsOver) {
  server_.failWith(unreachable());
  fetcher_->want({"roses"});
  waitUntil([this] { return fetcher_->problem() && server_.calls() > 2; });
  EXPECT_EQ(fetcher_->problem()->name(), "embeddings_unreachable");
  EXPECT_EQ(fetcher_->waiting(), 1U);
  server_.failWith(std::nullopt);
  ASSERT_TRUE(waitUntilFetched());
  EXPECT_FALSE(fetcher_->problem());
  EXPECT_EQ(stored({"roses"}).size(), 1U);
}

TEST_F(VectorFetcherTest, TextThatTheServerWillNotHaveIsKeptAsSuch) {
  server_.reject("long");
  fetcher_->want({"roses", "a long text", "bread"});
  ASSERT_TRUE(waitUntilFetched());
  const TextVectors found = stored({"roses", "a long text", "bread"});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(findVector(found, "a long text")->empty());
  EXPECT_FALSE(findVector(found, "bread")->empty());
}

TEST_F(VectorFetcherTest, ServerThatWillHaveNoTextAtAllIsAtFaultItself) {
  server_.reject("t");  // the plain text that it is tried with too
  fetcher_->want({"the text"});
  waitUntil([this] { return fetcher_->problem().has_value(); });
  EXPECT_EQ(fetcher_->problem()->name(), "embeddings_rejected");
  EXPECT_TRUE(stored({"the text"}).empty());
}

TEST_F(VectorFetcherTest, ModelThatAnswersInAnotherLengthIsRefused) {
  fetcher_->keep("roses", {1, 2, 3});
  fetcher_->want({"bread"});
  waitUntil([this] { return fetcher_->problem().has_value(); });
  EXPECT_EQ(fetcher_->problem()->name(), "embeddings_dimension");
  EXPECT_EQ(stored({"roses", "bread"}).size(), 1U);
}

TEST_F(VectorFetcherTest, WhatWasAnsweredAndWillNotDoWaitsForItsTime) {
  make({.waiting_max = 100, .retry_ms = 60'000, .retry_max_ms = 60'000});
  fetcher_->keep("roses", {1, 2, 3});
  fetcher_->want({"bread"});
  waitUntil([this] { return fetcher_->problem().has_value(); });
  fetcher_->retry();
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(server_.calls(), 1) << "each request would pay for another";
}

TEST_F(VectorFetcherTest, NoAnswerIsAskedForAgainAsSoonAsOthersGetOne) {
  make({.waiting_max = 100, .retry_ms = 60'000, .retry_max_ms = 60'000});
  server_.failWith(unreachable());
  fetcher_->want({"bread"});
  waitUntil([this] { return fetcher_->problem().has_value(); });
  server_.failWith(std::nullopt);
  fetcher_->retry();
  ASSERT_TRUE(waitUntilFetched());
}

TEST_F(VectorFetcherTest, MoreThanMayWaitAreLeftWithout) {
  server_.hold(true);
  std::vector<std::string> texts;
  for (int i = 0; i < 150; ++i) texts.push_back("text " + std::to_string(i));
  fetcher_->want(texts);
  EXPECT_EQ(fetcher_->waiting(), 100U);
}

TEST_F(VectorFetcherTest, EndsWhileACallIsUnderWayOrARetryIsDue) {
  server_.hold(true);
  fetcher_->want({"roses"});
  waitUntil([this] { return server_.calls() > 0; });
  fetcher_.reset();
  EXPECT_TRUE(stored({"roses"}).empty());
}

}  // namespace
}  // namespace tutti::routing
