// Vectors of requests: kept, asked for, and given up when they are late.
#include "server/routing/request_vectors.hpp"

#include <gtest/gtest.h>

#include "tests/routing/vectors_support.hpp"

namespace tutti::routing {
namespace {

class RequestVectorsTest : public ::testing::Test {
 protected:
  using Got = std::optional<Result<std::vector<TextVector>>>;

  RequestVectors make(RequestVectorsOptions options = {}) {
    return RequestVectors({.source = server_.source(),
                           .post = [this](std::function<void()> work) { posted_.post(work); },
                           .after =
                               [this](std::int64_t delay_ms, std::function<void()> callback) {
                                 delays_.push_back(delay_ms);
                                 auto timer =
                                     std::make_shared<std::function<void()>>(std::move(callback));
                                 timers_.emplace_back(timer);
                                 return std::shared_ptr<void>(timer);
                               },
                           .options = options});
  }
  /// As if the time of all timers had come that were not dropped.
  void pass() {
    for (const auto& timer : std::exchange(timers_, {}))
      if (const auto live = timer.lock()) (*live)();
  }
  static void get(RequestVectors& vectors, const std::vector<std::string>& texts, Got& got) {
    vectors.get(texts, [&got](Result<std::vector<TextVector>> found) { got.emplace(found); });
  }
  static std::string nameOf(const Got& got) {
    if (!got) return "nothing yet";
    return got->ok() ? "vectors" : std::string(got->error().name());
  }

  Posted posted_;
  MadeUpServer server_;
  std::vector<std::weak_ptr<std::function<void()>>> timers_;
  std::vector<std::int64_t> delays_;
};

TEST_F(RequestVectorsTest, AreAskedForOnceAndKeptByTheNormalisedText) {
  RequestVectors vectors = make();
  Got first;
  get(vectors, {"water the roses", "bread"}, first);
  EXPECT_EQ(nameOf(first), "nothing yet");
  ASSERT_TRUE(posted_.runUntil([&] { return first.has_value(); }));
  ASSERT_EQ(nameOf(first), "vectors");
  EXPECT_EQ((*first)->at(1), server_.vectors.of("bread"));
  EXPECT_EQ(delays_, std::vector<std::int64_t>{300});
  Got again;
  get(vectors, {" water  the\nroses"}, again);
  EXPECT_EQ(nameOf(again), "vectors");
  EXPECT_EQ(server_.calls(), 1);
  EXPECT_NE(vectors.kept("bread"), nullptr);
  EXPECT_EQ(vectors.kept("soup"), nullptr);
}

TEST_F(RequestVectorsTest, LateOneIsGivenUpOthersDoNotWaitMeanwhileAndItIsKeptForTheNextTime) {
  RequestVectors vectors = make();
  server_.hold(true);
  Got first;
  get(vectors, {"roses"}, first);
  pass();
  EXPECT_EQ(nameOf(first), "embeddings_slow");
  Got meanwhile;
  get(vectors, {"bread"}, meanwhile);
  EXPECT_EQ(nameOf(meanwhile), "embeddings_slow") << "at once";
  server_.hold(false);
  ASSERT_TRUE(posted_.runUntil([&] { return vectors.kept("roses") != nullptr; }));
  Got after;
  get(vectors, {"bread"}, after);
  ASSERT_TRUE(posted_.runUntil([&] { return after.has_value(); }));
  EXPECT_EQ(nameOf(after), "vectors");
}

TEST_F(RequestVectorsTest, FailureIsToldToThoseThatWaitForIt) {
  RequestVectors vectors = make();
  server_.failWith(unreachable());
  Got got;
  get(vectors, {"roses"}, got);
  ASSERT_TRUE(posted_.runUntil([&] { return got.has_value(); }));
  EXPECT_EQ(nameOf(got), "embeddings_unreachable");
  server_.failWith(std::nullopt);
  Got later;
  get(vectors, {"roses"}, later);
  ASSERT_TRUE(posted_.runUntil([&] { return later.has_value(); }));
  EXPECT_EQ(nameOf(later), "vectors");
}

TEST_F(RequestVectorsTest, TextThatTheServerWillNotHaveIsNoFaultOfTheOthers) {
  RequestVectors vectors = make();
  server_.reject("long");
  server_.hold(true);
  Got first;
  Got good;
  Got bad;
  get(vectors, {"first"}, first);
  get(vectors, {"roses"}, good);
  get(vectors, {"long text"}, bad);
  server_.hold(false);
  ASSERT_TRUE(posted_.runUntil([&] { return good.has_value() && bad.has_value(); }));
  EXPECT_EQ(nameOf(good), "vectors");
  EXPECT_EQ(nameOf(bad), "embeddings_rejected");
}

TEST_F(RequestVectorsTest, VectorWithoutADirectionIsNone) {
  server_.vectors = MadeUpVectors({}, kDimensionsMax + 1);
  RequestVectors vectors = make();
  Got got;
  get(vectors, {"roses"}, got);
  ASSERT_TRUE(posted_.runUntil([&] { return got.has_value(); }));
  EXPECT_EQ(nameOf(got), "embeddings_dimension");
}

TEST_F(RequestVectorsTest, SoManyMayWaitAndSoManyAreKept) {
  RequestVectors vectors = make({.waiting_max = 2, .kept_max = 2});
  server_.hold(true);
  std::vector<Got> got(3);
  for (std::size_t i = 0; i < 3; ++i) get(vectors, {"text " + std::to_string(i)}, got[i]);
  EXPECT_EQ(nameOf(got[2]), "embeddings_busy");
  server_.hold(false);
  ASSERT_TRUE(posted_.runUntil([&] { return got[0].has_value() && got[1].has_value(); }));
  Got third;
  get(vectors, {"text 3"}, third);
  ASSERT_TRUE(posted_.runUntil([&] { return third.has_value(); }));
  EXPECT_EQ(vectors.kept("text 0"), nullptr);
  EXPECT_NE(vectors.kept("text 1"), nullptr);
}

TEST_F(RequestVectorsTest, EndsWhileACallIsUnderWay) {
  server_.hold(true);
  Got got;
  {
    RequestVectors vectors = make();
    get(vectors, {"roses"}, got);
  }
  pass();
  EXPECT_EQ(nameOf(got), "nothing yet");
}

}  // namespace
}  // namespace tutti::routing
