// What happens to a session when somebody removes its run-host's folder from below the store.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/integration/fakes.hpp"
#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {
namespace fs = std::filesystem;

class LostFoldersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    writeProgram(folder_, "endless", "echo begun >&2\nwhile :; do sleep 0.1; done");
  }
  static Options withClaude() { return {.arguments = {"stdio"}, .environment = {fakeClaude()}}; }

  /// A conversation whose agent waits for the next prompt.
  std::string idleConversation(TuttiProcess& tutti) {
    const Json done = tutti.call(
        "start_agent",
        {{"blueprint", "claude"}, {"prompt", "say:one"}, {"mode", "sync"}, {"wait_s", 50}});
    EXPECT_EQ(done["session_status"], "idle") << done.dump();
    return done.value("session_id", "");
  }
  /// A program that would never end, and has begun.
  std::string endlessRun(TuttiProcess& tutti) {
    const Json handle =
        tutti.call("start_agent", {{"blueprint", "endless"}, {"parameters", Json::object()}});
    const std::string id = handle.value("session_id", "");
    const Json begun =
        tutti.call("get_events", {{"session_id", id}, {"types", {"progress"}}, {"wait_s", 50}});
    EXPECT_FALSE(begun["events"].empty()) << begun.dump();
    return id;
  }
  static void die(TuttiProcess& tutti) {
    tutti.kill(SIGKILL);
    tutti.wait();
  }
  static void killHost(const std::string& id) {
    for (const int pid : hostsOf(id)) ::kill(pid, SIGKILL);
    while (!hostsOf(id).empty()) ::usleep(1'000);
  }
  fs::path hosts(const std::string& id) const { return folder_.path() / "data" / "hosts" / id; }
  /// The folders of its hosts, the lock beside them stays.
  void removeGenerations(const std::string& id) const {
    for (const auto& entry : fs::directory_iterator(hosts(id)))
      if (entry.is_directory()) fs::remove_all(entry.path());
  }
  Json nextAnswer(TuttiProcess& tutti, const std::string& id) {
    const Json handle = tutti.call("resume", {{"session_id", id}, {"prompt", "say:two"}});
    EXPECT_FALSE(handle.contains("error")) << handle.dump();
    return tutti.call("get_result", {{"session_id", id}, {"wait_s", 30}});
  }
  void expectLost(TuttiProcess& tutti, const std::string& id) {
    const Json got = tutti.call("get_result", {{"session_id", id}, {"wait_s", 30}});
    EXPECT_EQ(got["status"], "failed") << got.dump();
    EXPECT_EQ(got.value("error", Json::object()).value("name", ""), "run_host_lost") << got.dump();
    EXPECT_TRUE(processesMarked("TUTTI_SESSION_ID=" + id).empty());
    EXPECT_TRUE(hostsOf(id).empty());
  }

  TempFolder folder_;
};

TEST_F(LostFoldersTest, AnIdleSessionGoesOnWithAFreshHost) {
  std::string id;
  {
    TuttiProcess first(folder_, withClaude());
    id = idleConversation(first);
    die(first);
  }
  killHost(id);
  removeGenerations(id);
  TuttiProcess second(folder_, withClaude());
  const Json got = nextAnswer(second, id);
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got.value("result_text", ""), "two");
}

TEST_F(LostFoldersTest, AnIdleSessionGoesOnThoughTheLockIsGoneToo) {
  std::string id;
  {
    TuttiProcess first(folder_, withClaude());
    id = idleConversation(first);
    die(first);
  }
  killHost(id);
  fs::remove_all(hosts(id));
  TuttiProcess second(folder_, withClaude());
  const Json got = nextAnswer(second, id);
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got.value("result_text", ""), "two");
}

TEST_F(LostFoldersTest, APromptThatWaitsForItsHostGetsAFreshOne) {
  std::string id;
  Json handle;
  {
    TuttiProcess first(folder_, withClaude());
    id = idleConversation(first);
    for (const int pid : hostsOf(id)) ::kill(pid, SIGSTOP);
    handle = first.call("resume", {{"session_id", id}, {"prompt", "say:two"}});
    die(first);
  }
  killHost(id);
  removeGenerations(id);
  TuttiProcess second(folder_, withClaude());
  const Json got = second.call("get_result", {{"run_id", handle["run_id"]}, {"wait_s", 30}});
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got.value("result_text", ""), "two");
}

TEST_F(LostFoldersTest, AHostThatLivesWithoutItsFolderGivesWayToAFreshOne) {
  std::string id;
  {
    TuttiProcess first(folder_, withClaude());
    id = idleConversation(first);
    die(first);
  }
  removeGenerations(id);
  TuttiProcess second(folder_, withClaude());
  const Json got = nextAnswer(second, id);
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got.value("result_text", ""), "two");
  EXPECT_EQ(hostsOf(id).size(), 1U);
}

TEST_F(LostFoldersTest, ATurnThatCannotBeWrittenFailsAloneAndItsHostGoesOn) {
  TuttiProcess tutti(folder_, withClaude());
  const std::string id = idleConversation(tutti);
  const auto hosts_before = hostsOf(id);
  const fs::path runs = folder_.path() / "data" / "runs";
  fs::rename(runs, folder_.path() / "runs_aside");
  std::ofstream(runs) << "in the way";
  const Json failed = nextAnswer(tutti, id);
  EXPECT_EQ(failed["status"], "failed") << failed.dump();
  EXPECT_EQ(failed["session_status"], "idle") << failed.dump();
  fs::remove(runs);
  fs::rename(folder_.path() / "runs_aside", runs);
  const Json got = nextAnswer(tutti, id);
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got.value("result_text", ""), "two");
  EXPECT_EQ(hostsOf(id), hosts_before);
}

TEST_F(LostFoldersTest, ARunWhoseHostDiedIsFailedByName) {
  for (const bool lock_too : {false, true}) {
    std::string id;
    {
      TuttiProcess first(folder_);
      id = endlessRun(first);
      die(first);
    }
    killHost(id);
    removeGenerations(id);
    if (lock_too) fs::remove_all(hosts(id));
    TuttiProcess second(folder_);
    expectLost(second, id);
  }
}

TEST_F(LostFoldersTest, ARunWhoseHostCannotBeReachedIsFailedByNameAndNothingOfItLives) {
  std::string id;
  {
    TuttiProcess first(folder_);
    id = endlessRun(first);
    die(first);
  }
  removeGenerations(id);
  TuttiProcess second(folder_);
  expectLost(second, id);
}

TEST_F(LostFoldersTest, AServerThatIsLinkedLosesNothingByIt) {
  TuttiProcess tutti(folder_, withClaude());
  const std::string id = idleConversation(tutti);
  removeGenerations(id);
  const Json got = nextAnswer(tutti, id);
  EXPECT_EQ(got.value("result_text", ""), "two") << got.dump();
  const Json stopped = tutti.call("stop", {{"session_id", id}, {"wait_s", 30}});
  EXPECT_EQ(stopped["stopped"], true) << stopped.dump();
  EXPECT_TRUE(hostsOf(id).empty());
}

}  // namespace
}  // namespace tutti::test
