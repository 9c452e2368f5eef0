// --pack and TUTTI_PACKS, as a user of the program meets them.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

class PackTest : public ::testing::Test {
 protected:
  std::set<std::string> names(std::vector<std::string> arguments,
                              std::vector<std::string> environment = {}) {
    arguments.insert(arguments.end(), {"blueprints", "--json"});
    const Ran ran = runTutti(folder_, std::move(arguments), std::move(environment));
    EXPECT_EQ(ran.status, 0) << ran.err;
    const Json listed = Json::parse(ran.out);
    std::set<std::string> all;
    for (const Json& blueprint : listed["blueprints"]) {
      all.insert(blueprint["name"].get<std::string>());
      if (blueprint["name"] == "slice-management-agent") {
        EXPECT_EQ(blueprint["pack"], "nephio");
        EXPECT_EQ(blueprint["aliases"], Json::array({"slice-agent"}));
        EXPECT_TRUE(blueprint["parameters_schema"]["properties"].contains("slice_type"));
      }
    }
    return all;
  }
  TempFolder folder_;
};

TEST_F(PackTest, IsListedOnlyWhenItIsAskedFor) {
  EXPECT_EQ(names({}).size(), 5U);
  EXPECT_EQ(names({"--pack", "nephio"}).size(), 19U);
  EXPECT_EQ(names({"--pack", "nephio", "--pack", "pantheros"}).size(), 33U);
  EXPECT_EQ(names({"--pack", "amas", "--pack", "amas"}).size(), 35U);
  EXPECT_EQ(names({}, {"TUTTI_PACKS=amas,nephio"}).size(), 49U);
}

TEST_F(PackTest, OptionsTakeOneWordAndLeaveTheRequestToTheCommand) {
  const std::string here = folder_.path().string();
  const Ran ran = runTutti(folder_, {"route", "--dry-run", "--document-root", here, "--blueprints",
                                     here, "--pack", "nephio", "summarise this repository"});
  EXPECT_EQ(ran.status, 0) << ran.err;
}

TEST_F(PackTest, CommandShowsWhoIsInEach) {
  const Ran ran = runTutti(folder_, {"packs", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const Json packs = Json::parse(ran.out);
  ASSERT_EQ(packs.size(), 3U);
  EXPECT_EQ(packs[0]["name"], "amas");
  EXPECT_EQ(packs[0]["agents"].size(), 30U);
  EXPECT_NE(runTutti(folder_, {"packs"}).out.find("nephio  (14 agents)\n"), std::string::npos);
}

TEST_F(PackTest, ThatIsUnknownIsSaidWithTheKnownOnes) {
  const Ran ran = runTutti(folder_, {"blueprints", "--pack", "nephi"});
  EXPECT_NE(ran.status, 0);
  EXPECT_NE(ran.err.find("unknown pack 'nephi'"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("amas, nephio and pantheros"), std::string::npos) << ran.err;
}

TEST_F(PackTest, ItsAgentsStartByAliasUpToTheMissingProgram) {
  TuttiProcess tutti(folder_, {.arguments = {"stdio", "--pack", "nephio", "--claude", "/none"}});
  const Json started = tutti.call("start_agent", {{"blueprint", "slice-agent"}, {"prompt", "x"}});
  ASSERT_TRUE(started.contains("error")) << started;
  EXPECT_NE(started.dump().find("'/none' is not installed"), std::string::npos) << started;
  const Json wrong =
      tutti.call("start_agent", {{"blueprint", "slice-management-agent"},
                                 {"parameters", {{"prompt", "x"}, {"slice_type", "huge"}}}});
  EXPECT_NE(wrong.dump().find("parameters_schema"), std::string::npos) << wrong;
}

TEST_F(PackTest, IsKnownToTheAgentsOwnTuttiToo) {
  const auto seen = folder_.path() / "seen";
  const auto program = folder_.write("agent.sh",
                                     "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\"; "
                                     "[ -f \"$word\" ] && cat \"$word\"; done >" +
                                         seen.string() + ".part\nmv " + seen.string() + ".part " +
                                         seen.string() + "\n",
                                     0755);
  TuttiProcess tutti(folder_,
                     {.arguments = {"stdio", "--pack", "nephio", "--claude", program.string()}});
  const Json started =
      tutti.call("start_agent", {{"blueprint", "orchestrator-agent"}, {"prompt", "go"}});
  ASSERT_TRUE(started.contains("session_id")) << started;
  ASSERT_TRUE(waitForFile(seen));
  std::ifstream file(seen);
  const std::string words((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(words.find(R"("--pack","nephio")"), std::string::npos) << words;
}

}  // namespace
}  // namespace tutti::test
