// Several tutti processes over one store, and what happens when one of them dies.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/integration/tutti_process.hpp"
#include "tests/read_file.hpp"

namespace tutti::test {
namespace {

/// A zombie that nobody has buried yet does not.
bool lives(int pid) {
  const std::string stat = fixture::readAll("/proc/" + std::to_string(pid) + "/stat");
  const auto end = stat.rfind(')');
  return end != std::string::npos && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

class ReplicasTest : public ::testing::Test {
 protected:
  /// A program that goes on until the file `go` is there, then prints.
  void SetUp() override {
    writeProgram(folder_, "gated",
                 "echo waiting >&2\nwhile [ ! -e \"" + gate() + "\" ]; do sleep 0.05; done\n" +
                     "for i in 1 2 3; do echo \"step $i\" >&2; done\necho '{\"done\":true}'");
  }
  std::string gate() const { return (folder_.path() / "go").string(); }
  void open() { folder_.write("go", ""); }

  std::string startGated(TuttiProcess& tutti) {
    const Json handle =
        tutti.call("start_agent", {{"blueprint", "gated"}, {"parameters", Json::object()}});
    const std::string id = handle.value("session_id", "");
    waitForEvent(tutti, id, "progress");
    return id;
  }
  void waitForEvent(TuttiProcess& tutti, const std::string& id, const std::string& type) {
    std::string cursor = "0";
    for (;;) {
      const Json page =
          tutti.call("get_events", {{"session_id", id}, {"cursor", cursor}, {"wait_s", 30}});
      ASSERT_FALSE(page.value("events", Json::array()).empty()) << "no event " << type;
      cursor = page["next_cursor"].get<std::string>();
      for (const Json& event : page["events"])
        if (event["event_type"] == type) return;
    }
  }
  /// Every event of the run exactly once, in order, and one end.
  void expectWhole(TuttiProcess& tutti, const std::string& id) {
    const Json page = tutti.call("get_events", {{"session_id", id}, {"limit", 1000}});
    std::vector<std::string> steps;
    int ends = 0;
    for (const Json& event : page["events"]) {
      if (event["event_type"] == "progress") steps.push_back(event.dump());
      if (event["event_type"] == "run_completed") ++ends;
    }
    EXPECT_EQ(steps.size(), 4U) << page.dump(1);
    EXPECT_EQ(ends, 1) << page.dump(1);
  }

  TempFolder folder_;
};

TEST_F(ReplicasTest, TheNextTuttiFinishesWhatAKilledOneStarted) {
  std::string id;
  {
    TuttiProcess first(folder_);
    id = startGated(first);
    first.kill(SIGKILL);
    EXPECT_EQ(first.wait(), 128 + SIGKILL);
  }
  open();
  TuttiProcess second(folder_);
  const Json got = second.call("get_result", {{"session_id", id}, {"wait_s", 50}});
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got["result_data"], Json({{"done", true}}));
  expectWhole(second, id);
}

TEST_F(ReplicasTest, ALiveTuttiTakesOverAtOnceWhenAnotherDies) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_);
  const std::string id = startGated(first);
  first.kill(SIGKILL);
  EXPECT_EQ(first.wait(), 128 + SIGKILL);
  open();
  const Json got = second.call("get_result", {{"session_id", id}, {"wait_s", 50}});
  EXPECT_EQ(got["status"], "completed") << got.dump();
  expectWhole(second, id);
}

TEST_F(ReplicasTest, ARunIsSeenEverywhereAndEndsEverywhere) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_);
  const std::string id = startGated(first);
  EXPECT_EQ(second.call("get_status", {{"session_id", id}})["session"]["status"], "running");
  open();
  EXPECT_EQ(second.call("get_result", {{"session_id", id}, {"wait_s", 50}})["status"], "completed");
  EXPECT_EQ(first.call("get_result", {{"session_id", id}})["status"], "completed");
}

TEST_F(ReplicasTest, AnotherTuttiCanStopARun) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_);
  const std::string id = startGated(first);
  const Json stopped = second.call("stop", {{"session_id", id}, {"wait_s", 30}});
  EXPECT_TRUE(stopped["stopped"].get<bool>()) << stopped.dump();
  EXPECT_EQ(first.call("get_result", {{"session_id", id}})["status"], "stopped");
}

TEST_F(ReplicasTest, ARunOutlivesAClientThatLeaves) {
  std::string id;
  {
    TuttiProcess first(folder_);
    id = startGated(first);
    first.closeInput();
    EXPECT_EQ(first.wait(), 0);
  }
  open();
  const Ran got =
      runTutti(folder_, {"call", "get_result", R"({"session_id":")" + id + R"(","wait_s":50})"});
  EXPECT_EQ(got.status, 0) << got.err;
  EXPECT_NE(got.out.find("\"done\": true"), std::string::npos) << got.out;
}

TEST_F(ReplicasTest, WhoLeavesInTheMiddleOfABurstHasLaunchedAllOfIt) {
  constexpr int kStarts = 64;
  const std::string fifo = (folder_.path() / "ran").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const int ran = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);
  writeProgram(folder_, "teller", "printf x > '" + fifo + "'");
  TuttiProcess tutti(folder_);
  for (int i = 0; i < kStarts; ++i)
    tutti.send({{"jsonrpc", "2.0"},
                {"id", 1000 + i},
                {"method", "tools/call"},
                {"params",
                 {{"name", "start_agent"},
                  {"arguments", {{"blueprint", "teller"}, {"parameters", Json::object()}}}}}});
  for (int i = 0; i < kStarts; ++i) EXPECT_TRUE(tutti.receive().contains("result"));
  tutti.closeInput();
  EXPECT_EQ(tutti.wait(), 0);
  // Nobody is there to launch anything now.
  int told = 0;
  for (char byte = 0; told < kStarts; ++told) {
    pollfd readable{ran, POLLIN, 0};
    if (::poll(&readable, 1, 60'000) != 1 || ::read(ran, &byte, 1) != 1) break;
  }
  EXPECT_EQ(told, kStarts);
  ::close(ran);
}

TEST_F(ReplicasTest, AKilledRunHostFailsItsRunAndLeavesNoProcess) {
  TuttiProcess tutti(folder_);
  const std::string id = startGated(tutti);
  for (const int pid : hostsOf(id)) ::kill(pid, SIGKILL);
  const Json got = tutti.call("get_result", {{"session_id", id}, {"wait_s", 50}});
  EXPECT_EQ(got["status"], "failed") << got.dump();
  EXPECT_EQ(got["error"]["name"], "run_host_lost");
  EXPECT_TRUE(processesMarked("TUTTI_SESSION_ID=" + id).empty());
}

// Neither environment nor session nor descriptors tell whose these are.
TEST_F(ReplicasTest, AKilledRunHostLeavesNoProcessThatHasShakenEverythingOff) {
  const std::string shell = (folder_.path() / "shell.pid").string();
  const std::string python = (folder_.path() / "python.pid").string();
  const std::string outlive = "setsid env -i /bin/sh -c 'echo $$ > " + shell + ".tmp; mv " + shell +
                              ".tmp " + shell + "; trap \"\" TERM; while :; do sleep 1; done' &\n";
  const std::string daemon =
      "env -i /usr/bin/python3 -c 'import os, subprocess; "
      "subprocess.Popen([\"/bin/sh\", \"-c\", \"echo $$ > " +
      python + ".tmp; mv " + python + ".tmp " + python +
      "; exec sleep 600\"], close_fds=True, start_new_session=True, env={})'\n";
  writeProgram(folder_, "loose", outlive + daemon + "sleep 600");
  TuttiProcess tutti(folder_);
  const Json handle =
      tutti.call("start_agent", {{"blueprint", "loose"}, {"parameters", Json::object()}});
  const std::string id = handle.value("session_id", "");
  std::vector<int> loose;
  for (const std::string& file : {shell, python}) {
    ASSERT_TRUE(waitForFile(file));
    int pid = 0;
    std::ifstream(file) >> pid;
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, 0), 0) << file;
    loose.push_back(pid);
  }
  for (const int pid : hostsOf(id)) ::kill(pid, SIGKILL);
  const Json got = tutti.call("get_result", {{"session_id", id}, {"wait_s", 50}});
  EXPECT_EQ(got["error"].value("name", ""), "run_host_lost") << got.dump();
  for (const int pid : loose) {
    EXPECT_FALSE(lives(pid)) << pid;
    ::kill(pid, SIGKILL);
  }
}

}  // namespace
}  // namespace tutti::test
