// Routing by an embeddings server too, through the real binary: what only vectors can tell, and
// what becomes of decisions when the server fails.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/integration/tutti_process.hpp"
#include "tests/search/embeddings_server.hpp"

namespace tutti::test {
namespace {

using search::EmbeddingsServer;

/// The fake takes these for "cat", and no blueprint has them.
constexpr const char* kSynonyms = "feline kitten";

class RouteEmbeddingsTest : public ::testing::Test {
 protected:
  RouteEmbeddingsTest() {
    write("vet", "cat", {"cat cat", "a cat", "the cat"});
    write("cook", "soup and bread", {"bake bread", "make soup", "soup with bread"});
    write("gardener", "roses and trees", {"water roses", "plant trees", "trees and roses"});
  }
  void write(const std::string& name, const std::string& description, const Json& examples) const {
    writeProgram(folder_, name, "true", {{"description", description}, {"examples", examples}});
  }
  static std::vector<std::string> environmentFor(const EmbeddingsServer& server) {
    return {"TUTTI_EMBEDDINGS_URL=" + server.url(), "TUTTI_EMBEDDINGS_MODEL=fake"};
  }
  static Options optionsFor(const EmbeddingsServer& server) {
    return {.arguments = {"stdio"}, .environment = environmentFor(server)};
  }
  static Json route(TuttiProcess& tutti, const std::string& request = kSynonyms) {
    return tutti.call("route_request", {{"request", request}, {"dry_run", true}});
  }
  /// The same for as often as its vector is late: that comes all the same, and is kept.
  static Json routeInTime(TuttiProcess& tutti, const std::string& request = kSynonyms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
      Json made = route(tutti, request);
      const bool late = made["embeddings"].value("reason", "").starts_with("embeddings_slow");
      if (!late || std::chrono::steady_clock::now() > end) return made;
    }
  }
  static bool used(const Json& decision) { return decision["embeddings"].value("used", false); }
  /// Asks until vectors are used, or are not, for a minute at most.
  static Json routeUntil(TuttiProcess& tutti, bool wanted, bool fresh = false) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    Json made;
    for (int i = 0; std::chrono::steady_clock::now() < end; ++i) {
      made = route(tutti, fresh ? "feline kitten " + std::to_string(i) : kSynonyms);
      if (used(made) == wanted) return made;
    }
    ADD_FAILURE() << made.dump(2) << tutti.errors();
    return made;
  }

  TempFolder folder_;
};

TEST_F(RouteEmbeddingsTest, SynonymsThatOnlyVectorsConnectAreRoutedAndTheAnswerSaysSo) {
  EmbeddingsServer server({"--dimensions", "512"});
  TuttiProcess tutti(folder_, optionsFor(server));
  const Json made = routeUntil(tutti, true);
  EXPECT_EQ(made.value("agent", ""), "vet") << made.dump(2);
  EXPECT_EQ(made["embeddings"], (Json{{"used", true}, {"model", "fake"}}));
  EXPECT_NE(made["candidates"][0]["reason"].get<std::string>().find("by what it means"),
            std::string::npos)
      << made.dump(2);
  const Json kept = tutti.call("route_request", {{"request", kSynonyms}});
  EXPECT_EQ(
      tutti.call("explain_route", {{"decision_id", kept["decision_id"]}})["decision"]["embeddings"],
      made["embeddings"]);

  TuttiProcess without(folder_);
  const Json by_words = route(without);
  EXPECT_NE(by_words.value("agent", ""), "vet") << by_words.dump(2);
  EXPECT_FALSE(by_words.contains("embeddings"));
}

TEST_F(RouteEmbeddingsTest, RestartAndReplicaAskOnlyForTheRequest) {
  EmbeddingsServer server({"--dimensions", "512"});
  {
    TuttiProcess tutti(folder_, optionsFor(server));
    routeUntil(tutti, true);
    const int asked = server.requests();
    route(tutti);
    EXPECT_EQ(server.requests(), asked) << "the request's vector is kept";
    TuttiProcess replica(folder_, optionsFor(server));
    EXPECT_TRUE(used(routeInTime(replica)));
    EXPECT_EQ(server.requests(), asked + 1);
  }
  const int asked = server.requests();
  TuttiProcess again(folder_, optionsFor(server));
  const Json made = routeInTime(again);
  EXPECT_TRUE(used(made)) << "at once: " << made.dump(2);
  EXPECT_EQ(made.value("agent", ""), "vet");
  EXPECT_EQ(server.requests(), asked + 1);
  const Ran command = runTutti(folder_, {"route", "--dry-run", kSynonyms}, environmentFor(server));
  EXPECT_NE(command.out.find("vet"), std::string::npos) << command.out << command.err;
}

TEST_F(RouteEmbeddingsTest, ServerThatFailsIsSaidTheWordsDecideAndItIsUsedAgain) {
  EmbeddingsServer server({"--dimensions", "512"});
  TuttiProcess tutti(folder_, optionsFor(server));
  TuttiProcess by_words(folder_);
  routeUntil(tutti, true);
  for (const char* mode : {"closed", "error", "garbage", "other_dimension", "short"}) {
    server.mode(mode);
    const std::string request = std::string("bake bread and ") + mode;
    Json made = route(tutti, request);
    EXPECT_FALSE(used(made)) << mode;
    EXPECT_TRUE(made["embeddings"].value("reason", "").starts_with("embeddings_")) << made.dump(2);
    EXPECT_EQ(made.value("agent", ""), "cook") << mode;
    made.erase("embeddings");
    EXPECT_EQ(made.dump(), route(by_words, request).dump()) << mode;
  }
  server.mode("ok");
  const Json back = routeUntil(tutti, true, /*fresh=*/true);
  EXPECT_EQ(back.value("agent", ""), "vet") << back.dump(2);
}

TEST_F(RouteEmbeddingsTest, SlowServerHoldsADecisionUpForTheBoundAndTheNextNotAtAll) {
  EmbeddingsServer server({"--dimensions", "512"});
  TuttiProcess tutti(folder_, optionsFor(server));
  routeUntil(tutti, true);
  server.mode("slow");
  const int before = server.requests();
  const auto start = std::chrono::steady_clock::now();
  const Json first = route(tutti, "bake bread slowly");
  EXPECT_TRUE(first["embeddings"].value("reason", "").starts_with("embeddings_slow"))
      << first.dump(2);
  EXPECT_EQ(first.value("agent", ""), "cook");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(300));
  for (int i = 0; i < 10; ++i) {
    const Json next = route(tutti, "bake bread slowly " + std::to_string(i));
    EXPECT_EQ(next.value("agent", ""), "cook");
    EXPECT_FALSE(used(next));
  }
  EXPECT_LE(server.requests(), before + 1) << "each would have taken as long as the first";
}

TEST_F(RouteEmbeddingsTest, ServerThatIsNotThereFromTheStartLeavesRoutingAsItIs) {
  EmbeddingsServer server;
  const Options options = optionsFor(server);
  server.stop();
  TuttiProcess tutti(folder_, options);
  TuttiProcess by_words(folder_);
  Json made = route(tutti, "bake bread");
  EXPECT_FALSE(used(made));
  EXPECT_TRUE(made["embeddings"].value("reason", "").starts_with("embeddings_")) << made.dump(2);
  made.erase("embeddings");
  EXPECT_EQ(made.dump(), route(by_words, "bake bread").dump());
}

TEST_F(RouteEmbeddingsTest, SwitchedOffNothingIsSent) {
  EmbeddingsServer server;
  Options options = optionsFor(server);
  options.arguments = {"--route-embeddings", "off", "stdio"};
  TuttiProcess tutti(folder_, options);
  const Json made = route(tutti, "bake bread");
  EXPECT_EQ(made.value("agent", ""), "cook");
  EXPECT_FALSE(made.contains("embeddings"));
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(RouteEmbeddingsTest, LessonsAndNewAgentsGetVectorsToo) {
  EmbeddingsServer server({"--dimensions", "512"});
  TuttiProcess tutti(folder_, optionsFor(server));
  routeUntil(tutti, true);
  write("doctor", "doctor", {"a doctor", "the doctor", "doctor doctor"});
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  Json made = Json::object();
  while (made.value("agent", "") != "doctor" && std::chrono::steady_clock::now() < end)
    made = route(tutti, "physician");
  EXPECT_TRUE(used(made)) << made.dump(2);
  EXPECT_EQ(made.value("agent", ""), "doctor") << made.dump(2);

  const std::string request = "quick rapid";  // the same to the fake, and nobody's
  const Json nobodys = tutti.call("route_request", {{"request", request}});
  EXPECT_NE(nobodys.value("agent", ""), "cook") << nobodys.dump(2);
  tutti.call("route_feedback",
             {{"decision_id", nobodys["decision_id"]}, {"outcome", "wrong"}, {"better", "cook"}});
  const Json learnt = routeInTime(tutti, "rapid quick quick");
  EXPECT_EQ(learnt.value("agent", ""), "cook") << learnt.dump(2);
}

TEST_F(RouteEmbeddingsTest, EvaluationTellsWhatTheVectorsGive) {
  EmbeddingsServer server({"--dimensions", "512"});
  std::string lines;
  for (const auto& [text, label] :
       {std::pair("car", "drive"), std::pair("a car", "drive"), std::pair("the vehicle", "drive"),
        std::pair("vehicle", "drive"), std::pair("automobile", "drive"), std::pair("cat", "pet"),
        std::pair("kitten", "pet"), std::pair("a feline", "pet"), std::pair("feline", "pet"),
        std::pair("the cat", "pet")})
    lines += Json({{"text", text}, {"label", label}}).dump() + "\n";
  const auto file = folder_.write("texts.jsonl", lines);
  const Ran ran =
      runTutti(folder_, {"route", "eval", "--json", file.string()}, environmentFor(server));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json report = Json::parse(ran.out);
  EXPECT_EQ(report["embeddings"]["model"], "fake");
  EXPECT_EQ(report["embeddings"]["by_vectors"], 10);
  EXPECT_EQ(report["embeddings"]["accuracy"], 1.0) << ran.out;
  EXPECT_TRUE(report.contains("accuracy"));
  const Ran people = runTutti(folder_, {"route", "eval", file.string()}, environmentFor(server));
  EXPECT_NE(people.out.find("By the vectors of 'fake' (512 dimensions) too, heard for 10 texts"),
            std::string::npos)
      << people.out;
  server.mode("closed");
  EXPECT_EQ(runTutti(folder_, {"route", "eval", file.string()}, environmentFor(server)).status, 2);
}

}  // namespace
}  // namespace tutti::test
