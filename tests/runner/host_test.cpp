// The run-host as a process: its lock, its socket, its limits, its end.
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/runner/process_tree.hpp"
#include "tests/runner/host_fixture.hpp"

namespace tutti::runner {
namespace {

constexpr char kStubborn[] = "trap '' TERM; echo ready >&2; while :; do sleep 1; done";

HostSpec nextGeneration(HostSpec spec, std::int64_t generation) {
  spec.generation = generation;
  spec.environment["TUTTI_GENERATION"] = std::to_string(generation);
  return spec;
}

TEST_F(HostTest, SaysHelloAndWhoItIs) {
  start(shellSpec("true"));
  const Json hello = waitFor([](const Json& m) { return m.contains("hello"); }, "hello")["hello"];
  EXPECT_EQ(hello["session_id"], spec_.session_id);
  EXPECT_EQ(hello["generation"], 1);
  EXPECT_EQ(hello["pid"], host_pid_);
  EXPECT_TRUE(hello["run_id"].is_null());
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(host_pid_) + "/comm"), name);
  EXPECT_EQ(name, "tutti-run-host");
  EXPECT_EQ(readProcess(host_pid_).session, host_pid_);
}

TEST_F(HostTest, StopTakesTheWholeTreeDownAndSaysHow) {
  start(shellSpec("setsid sleep 300 & sleep 300 & echo ready >&2; wait"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  ASSERT_TRUE(pollUntil([&] { return markedProcesses(spec_.session_id).size() == 3; }));
  send({{"cmd", "stop"}});
  EXPECT_EQ(waitForAck("stop")["ok"], true);
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "stopped");
  EXPECT_EQ(outcome["session_status"], "stopped");
  EXPECT_EQ(outcome["stop_report"]["signal_sent"], Json::array({"SIGTERM"}));
  EXPECT_EQ(outcome["stop_report"]["members"], 3);
  EXPECT_TRUE(outcome["stop_report"]["survivors"].empty());
  waitFor([](const Json& m) { return m.contains("exit"); }, "exit");
  waitForExit();
  EXPECT_EQ(exitJson()["session_status"], "stopped");
  EXPECT_EQ(exitJson()["reason"], "stop");
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
}

TEST_F(HostTest, AgentThatIgnoresSigtermIsKilledAfterTheGrace) {
  start(shellSpec(kStubborn));
  turn("run_1");
  waitForEvent("run_1", "progress");
  send({{"cmd", "stop"}, {"grace_ms", 200}});
  const Json report = outcomeOf("run_1")["stop_report"];
  EXPECT_EQ(report["signal_sent"], (Json{"SIGTERM", "SIGKILL"}));
  EXPECT_GE(report["took_ms"], 200);
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
}

TEST_F(HostTest, StoppedProcessIsEndedToo) {
  start(shellSpec("echo ready >&2; kill -STOP $$; echo never"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  send({{"cmd", "stop"}});
  EXPECT_EQ(outcomeOf("run_1")["stop_report"]["signal_sent"], Json::array({"SIGTERM"}));
}

TEST_F(HostTest, SigtermToTheHostIsAStop) {
  start(shellSpec("echo ready >&2; sleep 300"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  ::kill(host_pid_, SIGTERM);
  EXPECT_EQ(outcomeOf("run_1")["status"], "stopped");
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 0);
}

TEST_F(HostTest, ARunIsNotRunTwice) {
  start(shellSpec("echo x >> runs.txt; " + untilOpen() + "echo 1"));
  turn("run_1");
  EXPECT_EQ(waitForAck("turn")["ok"], true);
  messages_.clear();
  send({{"cmd", "turn"}, {"run_id", "run_1"}});
  EXPECT_EQ(waitForAck("turn")["ok"], true);
  open();
  outcomeOf("run_1");
  EXPECT_EQ(readFile(root_ / "project" / "runs.txt", 100).value(), "x\n");
}

TEST_F(HostTest, ASecondRunWaitsItsTurn) {
  start(shellSpec("echo ready >&2; sleep 300"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  messages_.clear();
  turn("run_2");
  EXPECT_EQ(waitForAck("turn")["error_name"], "run_active");
}

TEST_F(HostTest, TurnsOfAnotherGenerationAreRefused) {
  start(shellSpec("true"));
  RunSpec run;
  run.run_id = "run_1";
  run.session_id = spec_.session_id;
  run.generation = 7;
  writeRun(run);
  send({{"cmd", "turn"}, {"run_id", "run_1"}});
  EXPECT_EQ(waitForAck("turn")["error_name"], "stale_generation");
}

TEST_F(HostTest, BadCommandsAreAnsweredByName) {
  start(shellSpec("true"));
  send({{"cmd", "dance"}});
  EXPECT_EQ(waitForAck("dance")["error_name"], "unknown_command");
  send({{"cmd", "turn"}, {"run_id", "../../etc"}});
  EXPECT_EQ(waitForAck("turn")["error_name"], "invalid_run_id");
  send({{"cmd", "interrupt"}});
  EXPECT_EQ(waitForAck("interrupt")["error_name"], "not_supported");
  send({{"cmd", "approve"}, {"behavior", "perhaps"}});
  EXPECT_EQ(waitForAck("approve")["error_name"], "invalid_behavior");
}

TEST_F(HostTest, SecondHostOfTheSameGenerationReturnsAtOnce) {
  start(shellSpec("echo ready >&2; sleep 300"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  const int first = host_pid_;
  host_pid_ = spawn(spec_);
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 3);
  EXPECT_TRUE(isAlive(first));
  host_pid_ = first;
}

TEST_F(HostTest, GenerationsThatHaveStartedDoNotStartAgain) {
  const HostSpec second = nextGeneration(shellSpec("echo 1"), 2);
  start(second);
  turn("run_1");
  outcomeOf("run_1");
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 0);
  host_pid_ = spawn(second);
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 4) << "the same generation ran twice";
  host_pid_ = spawn(nextGeneration(second, 1));
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 4) << "an older generation ran";
  start(nextGeneration(second, 3));
}

TEST_F(HostTest, IdleHostEndsItself) {
  HostSpec spec = shellSpec("true");
  spec.first_turn_max_ms = 50;
  spec_ = spec;
  host_pid_ = spawn(spec);
  waitForExit();
  EXPECT_EQ(exitJson()["session_status"], "finished");
  EXPECT_EQ(exitJson()["reason"], "idle");
}

TEST_F(HostTest, AnAgentThatMayNotIdleTakesItsFirstTurn) {
  HostSpec spec = shellSpec("echo done");
  spec.idle_max_ms = 0;
  start(spec);
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["status"], "completed");
}

TEST_F(HostTest, UnreadableSpecIsReported) {
  spec_ = shellSpec("true");
  const auto folder = layout_.host(spec_.session_id, 1);
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "host.json") << "{\"session_id\":";
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  host_pid_ = spawnHost(self, {root_, spec_.session_id, 1}).value();
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 1);
  EXPECT_EQ(exitJson()["reason"], "host_spec_invalid");
}

TEST_F(HostTest, UnknownDriverEndsTheHost) {
  HostSpec spec = shellSpec("true");
  spec.driver = "telepathy";
  spec_ = spec;
  host_pid_ = spawn(spec);
  waitForExit();
  EXPECT_EQ(exitJson()["reason"], "unknown_driver");
}

TEST_F(HostTest, LongPathsWork) {
  root_ /= std::string(120, 'a');
  root_ /= std::string(120, 'b');
  std::filesystem::create_directories(root_ / "project");
  layout_ = Layout(root_);
  start(shellSpec("echo 1"));
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["status"], "completed");
}

TEST_F(HostTest, ConnectingToNobodyIsUnavailable) {
  const auto link = HostLink::connect(io_, root_, {[](const Json&) {}, [] {}});
  ASSERT_FALSE(link.ok());
  EXPECT_EQ(link.error().code(), Code::Unavailable);
}

int rawPeer(const std::filesystem::path& folder) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = (folder / "control.sock").string();
  std::copy(path.begin(), path.end(), address.sun_path);
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  EXPECT_EQ(::connect(fd, generic, sizeof address), 0);
  return fd;
}

TEST_F(HostTest, SilentAndBabblingPeersHarmNobody) {
  start(shellSpec("echo 1"));
  const auto folder = layout_.host(spec_.session_id, 1);
  std::vector<Fd> peers;
  for (int i = 0; i < 40; ++i) peers.emplace_back(rawPeer(folder));
  // More silent peers than the host keeps: the first link was silent for longest and is cut off.
  const std::string babble(300'000, 'x');
  Fd babbler(rawPeer(folder));
  ::send(babbler.get(), babble.data(), babble.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  messages_.clear();
  connect(spec_);
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["status"], "completed");
}

TEST_F(HostTest, SpoolAndEventLimitsEndWithOneEventThatSaysSo) {
  HostSpec spec = shellSpec("i=0; while [ $i -lt 50 ]; do echo $i >&2; i=$((i+1)); done; echo 1");
  spec.events_max = 10;
  start(spec);
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "completed");
  EXPECT_EQ(events("run_1").size(), 10U);
  EXPECT_EQ(events("run_1").back().event_type, "events_dropped");
  const Json dropped = eventsOf("run_1", "events_dropped").at(0);
  EXPECT_EQ(dropped["limit"], "events_max");
  // run_start, agent_started, 50 lines and the result, of which 9 are there.
  EXPECT_EQ(dropped["dropped"], 53 - 9);
}

TEST_F(HostTest, SpoolBytesAreBounded) {
  HostSpec spec = shellSpec("i=0; while [ $i -lt 90 ]; do echo $i >&2; i=$((i+1)); done; echo 1");
  spec.spool_bytes_max = 2'000;
  start(spec);
  turn("run_1");
  outcomeOf("run_1");
  EXPECT_LE(std::filesystem::file_size(layout_.run("run_1") / "events.ndjson"), 2'000U);
  EXPECT_EQ(eventsOf("run_1", "events_dropped").at(0)["limit"], "spool_bytes_max");
}

TEST_F(HostTest, FullDiskFailsTheRunAndStopsTheAgent) {
  // Files of this process's children may not grow beyond the limit: EFBIG, as ENOSPC without a
  // disk.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{70'000, before.rlim_max};
  HostSpec spec =
      shellSpec("i=0; while :; do head -c 1500 /dev/zero | tr '\\0' x >&2; echo >&2; done");
  ::setrlimit(RLIMIT_FSIZE, &small);
  start(spec);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::filesystem::create_directories(layout_.run("run_1"));
  // All but the last kilobytes of the limit are taken already.
  std::ofstream(layout_.run("run_1") / "events.ndjson") << std::string(69'000, ' ') << "\n";
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "failed") << outcome;
  EXPECT_EQ(outcome["error_name"], "disk_full");
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 0);
  EXPECT_EQ(exitJson()["reason"], "disk_full");
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
}

TEST_F(HostTest, OutcomeThatCannotBeWrittenIsTriedAgain) {
  start(shellSpec("echo ready >&2; " + untilOpen() + "echo 1"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  // A folder of that name: the rename fails until it is gone.
  const auto blocked = layout_.run("run_1") / "outcome.json";
  std::filesystem::create_directories(blocked / "x");
  open();
  ASSERT_TRUE(pollUntil([&] {
    const auto log = readFile(layout_.host(spec_.session_id, 1) / "host.log", 1U << 20);
    return log.ok() && log->find("will try again") != std::string::npos;
  }));
  EXPECT_TRUE(isAlive(host_pid_));
  std::filesystem::remove_all(blocked);
  EXPECT_EQ(outcomeOf("run_1")["status"], "completed");
}

TEST_F(HostTest, AgentDiesWithItsHostAndTheRestIsReaped) {
  start(shellSpec("setsid sleep 300 & (env -i sleep 301) & echo ready >&2; wait"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  const auto state = fileJson(layout_.host(spec_.session_id, 1) / "state.json");
  const int agent = state["agent"]["pid"].get<int>();
  ::kill(host_pid_, SIGKILL);
  waitForExit();
  ASSERT_TRUE(pollUntil([&] { return !isAlive(agent); })) << "the agent outlived its host";
  const Json report =
      parsed(reapOrphans(layout_.host(spec_.session_id, 1), spec_.session_id, 1, 1'000));
  EXPECT_EQ(report["found"].size(), 2U) << report;
  EXPECT_TRUE(report["left"].empty());
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
  for (const Json& pid : report["found"]) EXPECT_FALSE(isAlive(pid.get<int>()));
}

TEST_F(HostTest, ReapingKillsWhatIgnoresSigterm) {
  start(shellSpec("(trap '' TERM; echo ready >&2; while :; do sleep 1; done) & wait"));
  turn("run_1");
  waitForEvent("run_1", "progress");
  ::kill(host_pid_, SIGKILL);
  waitForExit();
  const Json report =
      parsed(reapOrphans(layout_.host(spec_.session_id, 1), spec_.session_id, 1, 100));
  EXPECT_GE(report["killed"], 1) << report;
  EXPECT_TRUE(report["left"].empty());
}

TEST_F(HostTest, ReapingSparesWhoOnlyHasAReusedId) {
  spec_ = shellSpec("true");
  const auto folder = layout_.host(spec_.session_id, 1);
  std::filesystem::create_directories(folder);
  // This very test as "agent", but begun at another time.
  Json state = {{"host", {{"pid", ::getppid()}, {"start_time", 1}}},
                {"agent", {{"pid", ::getpid()}, {"pgid", ::getpgrp()}, {"start_time", 1}}}};
  state["host"]["pid"] = 999'999'999;
  std::ofstream(folder / "state.json") << state.dump();
  const Json report = parsed(reapOrphans(folder, spec_.session_id, 1, 100));
  EXPECT_TRUE(report["found"].empty()) << report;
}

TEST_F(HostTest, HostsOfChildSessionsSurviveTheirParentsStop) {
  // The agent starts another session's host, as `tutti stdio` in it would.
  const HostSpec child = shellSpec("echo ready >&2; sleep 300");
  const auto child_folder = layout_.host(child.session_id, 1);
  std::filesystem::create_directories(child_folder);
  ASSERT_TRUE(replaceFile(child_folder / "host.json", json::dump(toJson(child))).ok());
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  HostSpec parent =
      shellSpec("setsid " + self + " run-host --data " + root_.string() + " --session " +
                child.session_id + " --generation 1 & echo ready >&2; sleep 300");
  start(parent);
  turn("run_1");
  ASSERT_TRUE(pollUntil([&] { return std::filesystem::exists(child_folder / "state.json"); }));
  send({{"cmd", "stop"}});
  EXPECT_EQ(outcomeOf("run_1")["status"], "stopped");
  waitForExit();
  const int host = fileJson(child_folder / "state.json")["host"]["pid"].get<int>();
  EXPECT_TRUE(isAlive(host)) << "the child session's host was taken down with its parent";
  ::kill(host, SIGTERM);
  EXPECT_TRUE(pollUntil([&] { return !isAlive(host); }));
}

// What a host holds for itself; the program's own pages are shared by all hosts.
TEST_F(HostTest, HoldsLittleMemoryOfItsOwn) {
  start(shellSpec("true"));
  waitFor([](const Json& m) { return m.contains("hello"); }, "hello");
  std::int64_t anonymous_kb = -1;
  std::ifstream status("/proc/" + std::to_string(host_pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) anonymous_kb = std::stoll(line.substr(8));
    if (line.starts_with("VmRSS:")) std::printf("a run-host's resident memory: %s\n", line.c_str());
  }
  EXPECT_GT(anonymous_kb, 0);
#if defined(NDEBUG)
  EXPECT_LT(anonymous_kb, 2'048);
#endif
}

}  // namespace
}  // namespace tutti::runner
