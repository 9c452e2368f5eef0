// What else tutti offers beside its tools: resources, prompts, completion, skills.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

class OffersTest : public ::testing::Test {
 protected:
  Json ask(TuttiProcess& tutti, const std::string& method, Json params = Json::object()) {
    const Json response = tutti.request(method, std::move(params));
    EXPECT_TRUE(response.contains("result")) << method << ": " << response.dump();
    return response.value("result", Json::object());
  }
  std::string read(TuttiProcess& tutti, const std::string& uri) {
    const Json result = ask(tutti, "resources/read", {{"uri", uri}});
    return result["contents"][0].value("text", "");
  }
  static std::vector<std::string> members(const Json& list, const char* key) {
    std::vector<std::string> values;
    for (const Json& entry : list) values.push_back(entry.value(key, ""));
    return values;
  }
  static bool contains(const std::vector<std::string>& values, const std::string& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  }
  TempFolder folder_;
};

TEST_F(OffersTest, ASessionCanBeReadInFourWays) {
  writeProgram(folder_, "greet", R"(echo '{"hello":"world"}')");
  TuttiProcess tutti(folder_);
  const Json run = tutti.call("start_agent", {{"blueprint", "greet"},
                                              {"parameters", Json::object()},
                                              {"mode", "sync"},
                                              {"name", "greeting"}});
  const std::string uri = "tutti://session/" + run.value("session_id", "");
  EXPECT_EQ(Json::parse(read(tutti, uri))["session"]["agent_name"], "greet");
  EXPECT_EQ(Json::parse(read(tutti, uri + "/result"))["result_data"]["hello"], "world");
  const std::string events = read(tutti, uri + "/events");
  EXPECT_EQ(Json::parse(events.substr(0, events.find('\n')))["event_type"], "session_created");
  const std::string transcript = read(tutti, uri + "/transcript");
  EXPECT_TRUE(transcript.starts_with("# greeting\n")) << transcript;
  EXPECT_NE(transcript.find("\"hello\": \"world\""), std::string::npos) << transcript;
  EXPECT_EQ(Json::parse(read(tutti, "tutti://session/greeting"))["session"]["name"], "greeting")
      << "by name too";
  EXPECT_EQ(Json::parse(read(tutti, "tutti://sessions"))["sessions"].size(), 1U);
}

TEST_F(OffersTest, BlueprintsCanBeReadAndCompleted) {
  TuttiProcess tutti(folder_);
  EXPECT_EQ(Json::parse(read(tutti, "tutti://blueprint/repo-survey"))["name"], "repo-survey");
  const Json all = Json::parse(read(tutti, "tutti://blueprints"));
  EXPECT_TRUE(contains(members(all["blueprints"], "name"), "repo-survey"));
  const Json completed =
      ask(tutti, "completion/complete",
          {{"ref", {{"type", "ref/resource"}, {"uri", "tutti://blueprint/{name}"}}},
           {"argument", {{"name", "name"}, {"value", "repo"}}}});
  EXPECT_EQ(completed["completion"]["values"], Json::array({"repo-survey"}));
}

TEST_F(OffersTest, WhatIsNotThereIsNotFoundWithItsUri) {
  TuttiProcess tutti(folder_);
  for (const char* uri : {"tutti://session/ses_0", "tutti://session/ses_0/events",
                          "tutti://blueprint/nobody", "tutti://nothing"}) {
    const Json response = tutti.request("resources/read", {{"uri", uri}});
    ASSERT_TRUE(response.contains("error")) << response.dump();
    EXPECT_EQ(response["error"]["code"], -32602) << uri;
    EXPECT_EQ(response["error"]["data"]["uri"], uri);
  }
}

TEST_F(OffersTest, WhoWatchesASessionIsToldThatAnotherProcessMovedIt) {
  writeProgram(folder_, "greet", R"(echo '{"hello":"world"}')");
  TuttiProcess watcher(folder_);
  const std::string uri = "tutti://session/greeting/result";
  const Json meta = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
  watcher.send(
      {{"jsonrpc", "2.0"},
       {"id", "w"},
       {"method", "subscriptions/listen"},
       {"params",
        {{"_meta", meta}, {"notifications", {{"resourceSubscriptions", Json::array({uri})}}}}}});
  EXPECT_EQ(watcher.receive()["method"], "notifications/subscriptions/acknowledged");
  TuttiProcess other(folder_);
  other.call("start_agent", {{"blueprint", "greet"},
                             {"parameters", Json::object()},
                             {"mode", "sync"},
                             {"name", "greeting"}});
  const Json told = watcher.receive();
  EXPECT_EQ(told["method"], "notifications/resources/updated");
  EXPECT_EQ(told["params"]["uri"], uri) << told.dump();
}

TEST_F(OffersTest, PromptsAreFilledInAndRefuseWithoutWhatTheyNeed) {
  TuttiProcess tutti(folder_);
  const Json listed = ask(tutti, "prompts/list");
  EXPECT_TRUE(contains(members(listed["prompts"], "name"), "delegate"));
  const Json prompt = ask(tutti, "prompts/get",
                          {{"name", "delegate"}, {"arguments", {{"task", "Count the tests"}}}});
  const std::string text = prompt["messages"][0]["content"].value("text", "");
  EXPECT_NE(text.find("Count the tests"), std::string::npos) << text;
  EXPECT_EQ(text.find("${"), std::string::npos) << text;
  const Json without = tutti.request("prompts/get", {{"name", "delegate"}});
  EXPECT_EQ(without["error"]["code"], -32602) << without.dump();
}

TEST_F(OffersTest, HowTosAndBlueprintsAreSkills) {
  TuttiProcess tutti(folder_);
  const auto uris = members(ask(tutti, "skills/list")["skills"], "uri");
  EXPECT_TRUE(contains(uris, "skill://orchestrate-agents/SKILL.md"));
  EXPECT_TRUE(contains(uris, "skill://blueprints/repo-survey/SKILL.md"));
  const std::string text = read(tutti, "skill://blueprints/repo-survey/SKILL.md");
  EXPECT_TRUE(text.starts_with("---\nname: repo-survey\n")) << text;
  const std::string errors = read(tutti, "skill://orchestrate-agents/references/ERRORS.md");
  EXPECT_NE(errors.find("session_busy"), std::string::npos);
}

TEST_F(OffersTest, SkillsFollowTheBlueprintsFiles) {
  writeProgram(folder_, "early", "true");
  TuttiProcess tutti(folder_);
  const auto uris = [&] { return members(ask(tutti, "skills/list")["skills"], "uri"); };
  const std::string early = "skill://blueprints/early/SKILL.md";
  const std::string late = "skill://blueprints/late/SKILL.md";
  EXPECT_TRUE(contains(uris(), early));
  EXPECT_FALSE(contains(uris(), late));
  writeProgram(folder_, "late", "true");
  EXPECT_TRUE(contains(uris(), late));
  EXPECT_TRUE(contains(members(ask(tutti, "resources/list")["resources"], "uri"), late));
  const std::string before = read(tutti, early);
  writeProgram(folder_, "early", "true", {{"description", "Another purpose"}});
  EXPECT_EQ(ask(tutti, "skills/get", {{"uri", early}})["skill"]["frontmatter"]["description"],
            "Another purpose");
  EXPECT_NE(read(tutti, early), before);
}

TEST_F(OffersTest, TheAssetsFolderReplacesAPrompt) {
  folder_.write("assets/prompts/delegate.md",
                "---\nname: delegate\ndescription: Mine\n---\nMy own words.\n");
  Options options;
  options.arguments = {"--assets", (folder_.path() / "assets").string(), "stdio"};
  TuttiProcess tutti(folder_, options);
  const Json prompt = ask(tutti, "prompts/get", {{"name", "delegate"}});
  EXPECT_EQ(prompt["messages"][0]["content"]["text"], "My own words.\n");
}

}  // namespace
}  // namespace tutti::test
