// Where the kernel gives tutti one instance of inotify, or none.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {
namespace fs = std::filesystem;

/// Runs its words where so many instances may exist: a user namespace has a limit of its own, so
/// nobody else on this machine notices.
std::vector<std::string> withInstances(int count) {
  return {
      "/usr/bin/unshare",
      "--user",
      "--map-root-user",
      "/bin/sh",
      "-c",
      "echo " + std::to_string(count) + " > /proc/sys/user/max_inotify_instances && exec \"$@\"",
      "sh"};
}

bool canLimit() {
  return std::system(
             "/usr/bin/unshare --user --map-root-user /bin/sh -c"
             " 'echo 0 > /proc/sys/user/max_inotify_instances' 2> /dev/null") == 0;
}

int instancesOf(int pid) {
  int count = 0;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    const fs::path target = fs::read_symlink(entry.path(), gone);
    if (!gone && target.string().find("inotify") != std::string::npos) ++count;
  }
  return count;
}

class WatchLimitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!canLimit()) GTEST_SKIP() << "no right to make a user namespace here";
    writeProgram(
        folder_, "gated",
        "echo waiting >&2\nwhile [ ! -e \"" + gate() + "\" ]; do sleep 0.02; done\necho 1");
    writeProgram(folder_, "quick", "echo 1");
  }
  std::string gate() const { return (folder_.path() / "go").string(); }
  static Options limited(int instances) {
    return {.arguments = {"stdio"}, .environment = {}, .wrapper = withInstances(instances)};
  }
  static std::string startGated(TuttiProcess& tutti) {
    const Json handle =
        tutti.call("start_agent", {{"blueprint", "gated"}, {"parameters", Json::object()}});
    const std::string id = handle.value("session_id", "");
    const Json begun =
        tutti.call("get_events", {{"session_id", id}, {"types", {"progress"}}, {"wait_s", 50}});
    EXPECT_FALSE(begun.value("events", Json::array()).empty()) << begun.dump();
    return id;
  }
  static Json result(TuttiProcess& tutti, const std::string& id) {
    return tutti.call("get_result", {{"session_id", id}, {"wait_s", 30}});
  }

  TempFolder folder_;
};

TEST_F(WatchLimitTest, AProcessTakesOneInstanceOnly) {
  TuttiProcess tutti(folder_, limited(1));
  const std::string id = startGated(tutti);
  EXPECT_EQ(instancesOf(tutti.pid()), 1);
  folder_.write("go", "");
  EXPECT_EQ(result(tutti, id).value("status", ""), "completed");
  EXPECT_EQ(tutti.errors(), "");
}

TEST_F(WatchLimitTest, WithoutAnyItWorksAllTheSameAndSaysOnceWhatIsMissing) {
  TuttiProcess tutti(folder_, limited(0));
  const Json got = tutti.call(
      "start_agent",
      {{"blueprint", "quick"}, {"parameters", Json::object()}, {"mode", "sync"}, {"wait_s", 30}});
  EXPECT_EQ(got.value("status", ""), "completed") << got.dump();
  EXPECT_EQ(instancesOf(tutti.pid()), 0);
  EXPECT_EQ(countOf(tutti.errors(), "fs.inotify.max_user_instances is reached"), 1)
      << tutti.errors();
}

TEST_F(WatchLimitTest, WithoutAnyItHearsWhatAnotherProcessWrites) {
  TuttiProcess owner(folder_);
  TuttiProcess deaf(folder_, limited(0));
  const std::string id = startGated(owner);
  const Json meta = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
  deaf.send(Json{{"jsonrpc", "2.0"},
                 {"id", "wait"},
                 {"method", "tools/call"},
                 {"params",
                  {{"name", "get_result"},
                   {"arguments", {{"session_id", id}, {"wait_s", 50}}},
                   {"_meta", meta}}}});
  deaf.call("list_sessions");  // by its answer the wait is under way
  const auto opened = std::chrono::steady_clock::now();
  folder_.write("go", "");
  const Json got = deaf.receive();
  EXPECT_LT(std::chrono::steady_clock::now() - opened, std::chrono::seconds(40));
  EXPECT_EQ(got.value("id", ""), "wait");
  EXPECT_EQ(got.value("/result/structuredContent/status"_json_pointer, ""), "completed")
      << got.dump();
}

TEST_F(WatchLimitTest, WithoutAnyItTakesOverWhenAnotherDies) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_, limited(0));
  EXPECT_TRUE(second.call("list_sessions").contains("sessions"));
  const std::string id = startGated(first);
  first.kill(SIGKILL);
  first.wait();
  folder_.write("go", "");
  EXPECT_EQ(result(second, id).value("status", ""), "completed");
}

TEST_F(WatchLimitTest, WithoutAnyItTakesOverWhatACallThatLeftHadStarted) {
  TuttiProcess second(folder_, limited(0));
  EXPECT_TRUE(second.call("list_sessions").contains("sessions"));
  const Ran ran = runTutti(
      folder_, {"call", "start_agent", R"({"blueprint":"gated","parameters":{},"name":"left"})"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  folder_.write("go", "");
  EXPECT_EQ(result(second, "left").value("status", ""), "completed");
}

}  // namespace
}  // namespace tutti::test
