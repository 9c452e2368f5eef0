// What nobody is for, and how the shipped agents fare with it on requests that no example has.
#include "server/routing/nobody.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/routing/decider.hpp"
#include "tests/routing/held_out.hpp"

namespace tutti::routing {
namespace {

const NobodyTopics kTopics = {
    {"weather", {{"forecast", "weather station"}, {"will it rain", "is it cold"}}},
    {"food", {{"recipe"}, {"what is for dinner"}}}};

TEST(NobodyTest, ATopicThatAnAgentIsForCountsForNothing) {
  EXPECT_EQ(nobodyTexts(kTopics, {{"Plants trees"}}).size(), 3U);
  EXPECT_EQ(nobodyTexts(kTopics, {{"Plants trees"}, {"Forecasts sales"}}).size(), 1U);
  EXPECT_EQ(nobodyTexts(kTopics, {{"Writes recipes"}}).size(), 2U);
  EXPECT_EQ(nobodyTexts(kTopics, {}).size(), 3U);
}

TEST(NobodyTest, APhraseIsSpokenOfWithAllItsWordsOnly) {
  EXPECT_EQ(nobodyTexts(kTopics, {{"Runs the station"}}).size(), 3U);
  EXPECT_EQ(nobodyTexts(kTopics, {{"Runs stations for the weather"}}).size(), 1U);
}

TEST(NobodyTest, AnAgentThatMentionsATopicInPassingIsNotForIt) {
  const std::vector<std::string> four = {"fix it", "test the recipe service", "add a flag", "why"};
  EXPECT_EQ(nobodyTexts(kTopics, {four}).size(), 2U) << "one text of four";
  std::vector<std::string> five = four;
  five.push_back("rename it");
  EXPECT_EQ(nobodyTexts(kTopics, {five}).size(), 3U) << "one text of five";
  EXPECT_EQ(nobodyTexts(kTopics, {five, five, five}).size(), 3U) << "each of three in passing";
  std::vector<std::string> many(20, "fix it");
  many.insert(many.end(), 3, "improve my recipe");
  EXPECT_EQ(nobodyTexts(kTopics, {many}).size(), 2U) << "three texts of one agent";
}

struct Asked {
  const char* request;
  const char* agent;
};

/// Written apart from the examples. Not all of them can be told by so few examples; what most of
/// them get is what a new user sees first.
TEST(NobodyTest, ShippedAgentsGetTheWorkThatIsTheirs) {
  const std::vector<Asked> asked = {
      {"fix the flaky test in foo_test.go", "claude"},
      {"refactor the tokenizer to use iterators", "claude"},
      {"add a --verbose option to the command line", "claude"},
      {"our login page throws an exception, repair it", "claude"},
      {"write unit tests for the invoice class", "claude"},
      {"make the sidebar collapsible", "claude"},
      {"implement rate limiting for the REST endpoints", "claude"},
      {"update the dependencies and fix what breaks", "claude"},
      {"create a github actions workflow that runs the tests", "claude"},
      {"translate this python file to rust", "claude"},
      {"add logging to the upload handler", "claude"},
      {"there's a typo in the footer, correct it", "claude"},
      {"write a script which converts csv to json", "claude"},
      {"turn this class component into a hook", "claude"},
      {"why is my build slow?", "claude"},
      {"please look over my last commit", "code-reviewer"},
      {"review the changes on branch fix/cache", "code-reviewer"},
      {"are there any bugs in the retry code?", "code-reviewer"},
      {"check this patch for security problems", "code-reviewer"},
      {"can this PR be merged?", "code-reviewer"},
      {"do a code review of server/auth", "code-reviewer"},
      {"what are the biggest files here", "repo-survey"},
      {"how many lines are there in each language", "repo-survey"},
      {"list every FIXME in the tree", "repo-survey"},
      {"give me statistics about this repository", "repo-survey"},
      {"which files were touched most this year", "repo-survey"},
      {"how does the scheduler decide what to run next?", "researcher"},
      {"explain how authentication works in this code base", "researcher"},
      {"where is the config file parsed?", "researcher"},
      {"compare kafka with rabbitmq", "researcher"},
      {"what does RFC 9110 say about conditional requests?", "researcher"},
      {"find papers on retrieval augmented generation", "researcher"},
      {"which alternatives to Redis are there?", "researcher"},
      {"look up the release notes of node 22", "researcher"}};
  Decider decider = testing::shippedDecider({});
  std::size_t right = 0;
  std::string wrong;
  for (const Asked& one : asked) {
    RouteRequest request;
    request.request = one.request;
    const auto answer = decider.decide(request);
    ASSERT_TRUE(answer.ok()) << answer.error().text();
    const std::string& agent = answer->decision->agent;
    if (agent == one.agent)
      ++right;
    else
      wrong += std::string(one.request) + " -> " + agent + "\n";
  }
  EXPECT_GE(right * 10, asked.size() * 9) << wrong;
}

TEST(NobodyTest, ShippedAgentsAreNotGivenWhatNobodyIsFor) {
  const std::vector<std::string> asked = {"what's the weather like",
                                          "book me a flight to Rome",
                                          "write me a haiku about the sea",
                                          "what's for dinner tonight",
                                          "play some jazz",
                                          "how old is the president",
                                          "transfer 200 euros to my sister",
                                          "set an alarm for 7 am",
                                          "tell me a joke",
                                          "which shoes go with a blue suit"};
  Decider decider = testing::shippedDecider({});
  std::size_t refused = 0;
  std::string taken;
  for (const std::string& text : asked) {
    RouteRequest request;
    request.request = text;
    const auto answer = decider.decide(request);
    ASSERT_TRUE(answer.ok()) << answer.error().text();
    if (answer->decision->agent.empty())
      ++refused;
    else
      taken += text + " -> " + answer->decision->agent + "\n";
  }
  EXPECT_GE(refused * 10, asked.size() * 7) << taken;
}

}  // namespace
}  // namespace tutti::routing
