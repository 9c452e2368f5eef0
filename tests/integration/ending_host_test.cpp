// A prompt that comes while the session's run-host is on its way out: its agent has idled for long
// enough, and takes its time to go.
#include <gtest/gtest.h>

#include "tests/integration/fakes.hpp"
#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

class EndingHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("blueprints/agents/brief/agent.json", Json({{"name", "brief"},
                                                              {"description", "Goes at once"},
                                                              {"driver", "claude"},
                                                              {"tutti_tools", false},
                                                              {"idle_max_s", 0}})
                                                            .dump());
  }
  static Options withClaude() { return {.arguments = {"stdio"}, .environment = {fakeClaude()}}; }

  /// A session whose agent has been told to go after its turn, and does not for some seconds.
  static std::string goingConversation(TuttiProcess& tutti) {
    const Json done = tutti.call("start_agent", {{"blueprint", "brief"},
                                                 {"prompt", "ignore-sigterm\nsay:one"},
                                                 {"mode", "sync"},
                                                 {"wait_s", 50}});
    EXPECT_EQ(done.value("result_text", ""), "one") << done.dump();
    return done.value("session_id", "");
  }
  static void expectAnswer(TuttiProcess& tutti, const std::string& id) {
    const Json handle = tutti.call("resume", {{"session_id", id}, {"prompt", "say:two"}});
    EXPECT_FALSE(handle.contains("error")) << handle.dump();
    const Json got = tutti.call("get_result", {{"run_id", handle["run_id"]}, {"wait_s", 50}});
    EXPECT_EQ(got["status"], "completed") << got.dump();
    EXPECT_EQ(got.value("result_text", ""), "two") << got.dump();
  }

  TempFolder folder_;
};

TEST_F(EndingHostTest, ItsNextPromptIsForAFreshOne) {
  TuttiProcess tutti(folder_, withClaude());
  expectAnswer(tutti, goingConversation(tutti));
}

TEST_F(EndingHostTest, APromptByAnotherTuttiIsForAFreshOneToo) {
  TuttiProcess owner(folder_, withClaude());
  TuttiProcess other(folder_, withClaude());
  expectAnswer(other, goingConversation(owner));
}

}  // namespace
}  // namespace tutti::test
