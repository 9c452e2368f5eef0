#include "server/search/embeddings.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "tests/search/embeddings_server.hpp"

namespace tutti::search {
namespace {

class EmbeddingsTest : public testing::TestWithParam<EmbeddingsWire> {
 protected:
  std::unique_ptr<Embeddings> client(const EmbeddingsServer& server) {
    options_.url = server.url();
    options_.wire = GetParam();
    options_.model = "fake";
    auto made = Embeddings::create(options_, [this] { return now_ms_; });
    EXPECT_TRUE(made.ok()) << made.error().text();
    return made.ok() ? std::move(*made) : nullptr;
  }
  static std::string errorOf(Embeddings& embeddings) {
    const std::vector<std::string> texts = {"one", "two"};
    const auto vectors = embeddings.embed(texts);
    return vectors.ok() ? "none" : std::string(vectors.error().name());
  }
  EmbeddingsOptions options_;
  std::int64_t now_ms_ = 1'000'000;
};
INSTANTIATE_TEST_SUITE_P(Wires, EmbeddingsTest,
                         testing::Values(EmbeddingsWire::OpenAi, EmbeddingsWire::Ollama));

double similarity(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i] * b[i]);
  return sum;
}

TEST_P(EmbeddingsTest, TextsOfOneMeaningAreNearAndVectorsHaveLengthOne) {
  EmbeddingsServer server;
  options_.batch_max = 2;  // so that several requests are made
  const auto embeddings = client(server);
  const std::vector<std::string> texts = {"the doctor has a car", "a physician has an automobile",
                                          "rain falls on the sea"};
  const auto vectors = embeddings->embed(texts);
  ASSERT_TRUE(vectors.ok()) << vectors.error().text();
  ASSERT_EQ(vectors->size(), 3U);
  EXPECT_NEAR(similarity((*vectors)[0], (*vectors)[0]), 1.0, 1e-5);
  EXPECT_GT(similarity((*vectors)[0], (*vectors)[1]),
            similarity((*vectors)[0], (*vectors)[2]) + 0.2);
  EXPECT_EQ(server.requests(), 2);
}

TEST_P(EmbeddingsTest, VectorsInAnotherOrderAreAssignedByTheirIndex) {
  EmbeddingsServer server;
  const auto embeddings = client(server);
  const std::vector<std::string> texts = {"alpha", "beta", "gamma"};
  const auto straight = embeddings->embed(texts);
  server.mode("shuffled");
  const auto shuffled = embeddings->embed(texts);
  ASSERT_TRUE(straight.ok() && shuffled.ok());
  EXPECT_EQ(*straight, *shuffled);
}

TEST_P(EmbeddingsTest, EveryMisbehaviourHasItsName) {
  EmbeddingsServer server;
  options_.dimensions = 64;
  options_.failures_max = 100;
  options_.answer_bytes_max = 1024 * 1024;
  const auto embeddings = client(server);
  EXPECT_EQ(errorOf(*embeddings), "none");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"short", "embeddings_count"},
      {"other_dimension", "embeddings_dimension"},
      {"nan", "embeddings_not_finite"},
      {"infinite", "embeddings_not_finite"},
      {"zero", "embeddings_zero"},
      {"garbage", "embeddings_invalid"},
      {"closed", "embeddings_unreachable"},
      {"error", "embeddings_unreachable"},
      {"huge", "embeddings_answer_too_large"}};
  for (const auto& [mode, name] : cases) {
    server.mode(mode);
    EXPECT_EQ(errorOf(*embeddings), name) << mode;
  }
  server.mode("ok");
  EXPECT_EQ(errorOf(*embeddings), "none");
  server.stop();
  EXPECT_EQ(errorOf(*embeddings), "embeddings_unreachable");
}

TEST_P(EmbeddingsTest, ASlowServerIsGivenUpInTime) {
  EmbeddingsServer server({"--mode", "slow"});
  options_.answer_max_ms = 200;
  const auto embeddings = client(server);
  EXPECT_EQ(errorOf(*embeddings), "embeddings_time");
}

TEST_P(EmbeddingsTest, AStopEndsARequestUnderWay) {
  EmbeddingsServer server({"--mode", "slow"});
  const auto embeddings = client(server);
  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  const std::vector<std::string> texts = {"one"};
  const auto vectors = embeddings->embed(texts, stop.get_token());
  stopper.join();
  ASSERT_FALSE(vectors.ok());
  EXPECT_EQ(vectors.error().code(), Code::Cancelled);
}

TEST_P(EmbeddingsTest, AfterSeveralFailuresItIsLeftAloneAndThenTriedOnce) {
  EmbeddingsServer server({"--mode", "error"});
  const auto embeddings = client(server);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(errorOf(*embeddings), "embeddings_unreachable");
  EXPECT_EQ(errorOf(*embeddings), "embeddings_paused");
  EXPECT_EQ(server.requests(), 3);
  EXPECT_EQ(embeddings->pausedForMs(), 1'000);
  now_ms_ += 1'000;
  EXPECT_EQ(errorOf(*embeddings), "embeddings_unreachable");
  EXPECT_EQ(embeddings->pausedForMs(), 2'000);
  now_ms_ += 2'000;
  server.mode("ok");
  EXPECT_EQ(errorOf(*embeddings), "none");
  EXPECT_EQ(embeddings->pausedForMs(), 0);
}

TEST_P(EmbeddingsTest, TextsThatWillNotDoAreTheTextsFault) {
  EmbeddingsServer server({"--reject", "two"});
  const auto embeddings = client(server);
  const std::vector<std::string> texts = {"one", "two"};
  for (int i = 0; i < 5; ++i) {
    const auto vectors = embeddings->embed(texts);
    ASSERT_FALSE(vectors.ok());
    EXPECT_TRUE(isTextsFault(vectors.error())) << vectors.error().text();
  }
}

// The fake takes nothing that Ollama does not document, and answers as documented.
TEST(OllamaWireTest, DimensionsAreAskedForAndAModelThatIsNotPulledIsNamed) {
  EmbeddingsServer server;
  EmbeddingsOptions options;
  options.url = server.url();
  options.wire = EmbeddingsWire::Ollama;
  options.model = "nomic-embed-text";
  options.dimensions = 16;
  const std::vector<std::string> texts = {"one", "two"};
  const auto embeddings = Embeddings::create(options);
  ASSERT_TRUE(embeddings.ok()) << embeddings.error().text();
  const auto vectors = (*embeddings)->embed(texts);
  ASSERT_TRUE(vectors.ok()) << vectors.error().text();
  EXPECT_EQ(vectors->at(1).size(), 16U);
  options.model = "absent";
  const auto other = Embeddings::create(options);
  const auto refused = (*other)->embed(texts);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "embeddings_refused");
  EXPECT_NE(refused.error().hint().find("ollama pull absent"), std::string::npos);
}

TEST_P(EmbeddingsTest, TheKeyComesFromTheEnvironmentAndIsNeverShown) {
  EmbeddingsServer server({"--key", "s3cret-key"});
  options_.key_environment = "TUTTI_TEST_EMBEDDINGS_KEY";
  ::unsetenv("TUTTI_TEST_EMBEDDINGS_KEY");
  options_.url = server.url();
  options_.model = "fake";
  EXPECT_EQ(Embeddings::create(options_).error().name(), "embeddings_key_missing");
  ::setenv("TUTTI_TEST_EMBEDDINGS_KEY", "s3cret-key", 1);
  EXPECT_EQ(errorOf(*client(server)), "none");
  ::setenv("TUTTI_TEST_EMBEDDINGS_KEY", "wr0ng-key", 1);
  const std::vector<std::string> texts = {"one"};
  const auto refused = client(server)->embed(texts);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "embeddings_refused");
  EXPECT_EQ(refused.error().text().find("wr0ng"), std::string::npos);
}

TEST(EmbeddingsOptionsTest, WhatIsMissingIsNamed) {
  EmbeddingsOptions options;
  EXPECT_EQ(Embeddings::create(options).error().name(), "invalid_embeddings");
  options.url = "http://localhost:1";
  EXPECT_EQ(Embeddings::create(options).error().name(), "invalid_embeddings");
  options.model = "m";
  options.dimensions = -1;
  EXPECT_EQ(Embeddings::create(options).error().name(), "invalid_embeddings");
  options.dimensions = 0;
  EXPECT_TRUE(Embeddings::create(options).ok());
}

}  // namespace
}  // namespace tutti::search
