#include "tests/runner/host_fixture.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/runner/process_tree.hpp"

namespace tutti::runner {
namespace {
constexpr std::chrono::seconds kDeadline{60};

std::filesystem::path freshFolder() {
  const auto folder = std::filesystem::temp_directory_path() / ("tutti-runner-" + randomHex(6));
  std::filesystem::create_directories(folder / "project");
  return folder;
}
}  // namespace

Json parsed(const std::string& text) {
  Result<Json> json = json::parse(text);
  if (!json.ok()) {
    ADD_FAILURE() << "not JSON: " << text;
    return Json();
  }
  return std::move(json).value();
}

Json fileJson(const std::filesystem::path& path) {
  const Result<std::string> text = readFile(path, 1U << 28);
  return text.ok() ? parsed(*text) : Json();
}

bool isAlive(int pid) {
  const ProcessInfo process = readProcess(pid);
  return process.pid != 0 && !process.dead();
}

std::vector<int> markedProcesses(const std::string& session_id) {
  std::vector<int> found;
  for (const ProcessInfo& process : listProcesses()) {
    const auto environ = readFile("/proc/" + std::to_string(process.pid) + "/environ", 1U << 22);
    if (process.dead() || !environ.ok()) continue;
    if (("\n" + *environ).find("TUTTI_SESSION_ID=" + session_id) != std::string::npos)
      found.push_back(process.pid);
  }
  return found;
}

HostTest::HostTest() : root_(freshFolder()), layout_(root_) {}

HostTest::~HostTest() {
  link_.reset();
  for (const int pid : pids_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  if (!spec_.session_id.empty())
    reapOrphans(layout_.host(spec_.session_id, spec_.generation), spec_.session_id, 1'000'000, 0);
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

HostSpec HostTest::shellSpec(const std::string& text) {
  HostSpec spec;
  spec.session_id = newSessionId();
  spec.generation = 1;
  spec.driver = "process";
  spec.command = {"/bin/sh", script("agent.sh", text).string()};
  spec.project_dir = (root_ / "project").string();
  spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                      {"HOME", root_.string()},
                      {"TUTTI_SESSION_ID", spec.session_id},
                      {"TUTTI_GENERATION", std::to_string(spec.generation)}};
  spec.stop_grace_ms = 60'000;  // ends with the last process
  return spec;
}

std::string HostTest::untilOpen() const {
  return "while [ ! -e '" + (root_ / "open").string() + "' ]; do sleep 0.02; done; ";
}

void HostTest::open() const {
  std::ofstream(root_ / "open") << "open";
}

std::filesystem::path HostTest::script(const std::string& name, const std::string& text) {
  const auto path = root_ / name;
  std::ofstream(path) << text << "\n";
  ::chmod(path.c_str(), 0700);
  return path;
}

int HostTest::spawn(const HostSpec& spec) {
  const auto folder = layout_.host(spec.session_id, spec.generation);
  std::filesystem::create_directories(folder);
  EXPECT_TRUE(replaceFile(folder / "host.json", json::dump(toJson(spec))).ok());
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const Result<int> pid = spawnHost(self, {root_, spec.session_id, spec.generation});
  EXPECT_TRUE(pid.ok()) << (pid.ok() ? "" : pid.error().text());
  if (!pid.ok()) return -1;
  pids_.push_back(*pid);
  return *pid;
}

void HostTest::start(const HostSpec& spec) {
  spec_ = spec;
  host_pid_ = spawn(spec);
  connect(spec);
}

void HostTest::connect(const HostSpec& spec) {
  const auto folder = layout_.host(spec.session_id, spec.generation);
  HostLink::Handlers handlers;
  handlers.message = [this](const Json& message) { messages_.push_back(message); };
  handlers.closed = [this] { closed_ = true; };
  closed_ = false;
  const bool connected = pollUntil([&] {
    Result<std::unique_ptr<HostLink>> link = HostLink::connect(io_, folder, handlers);
    if (link.ok()) link_ = std::move(link).value();
    return link.ok();
  });
  ASSERT_TRUE(connected) << "no host listens in " << folder;
}

bool HostTest::pollUntil(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

void HostTest::writeRun(const RunSpec& run) {
  std::filesystem::create_directories(layout_.run(run.run_id));
  EXPECT_TRUE(replaceFile(layout_.run(run.run_id) / "run.json", json::dump(toJson(run))).ok());
}

void HostTest::turn(const std::string& run_id, Json parameters, std::int64_t timeout_ms,
                    std::string prompt) {
  RunSpec run;
  run.run_id = run_id;
  run.session_id = spec_.session_id;
  run.generation = spec_.generation;
  run.parameters = std::move(parameters);
  run.timeout_ms = timeout_ms;
  run.prompt = std::move(prompt);
  writeRun(run);
  send({{"cmd", "turn"}, {"run_id", run_id}});
}

void HostTest::send(Json command) {
  link_->send(command);
}

Json HostTest::waitFor(const Matches& matches, const char* what) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  std::size_t looked = 0;
  for (;;) {
    for (; looked < messages_.size(); ++looked) {
      if (matches(messages_[looked])) return messages_[looked];
    }
    if (std::chrono::steady_clock::now() > deadline || (closed_ && looked == messages_.size())) {
      ADD_FAILURE() << "waited in vain for " << what << (closed_ ? " (link closed)" : "");
      return Json();
    }
    io_.restart();
    io_.run_one_for(std::chrono::milliseconds(100));
  }
}

Json HostTest::waitForAck(const std::string& command) {
  const Json message = waitFor(
      [&](const Json& m) { return m.contains("ack") && m["ack"]["cmd"] == command; }, "an ack");
  return message.is_null() ? message : message["ack"];
}

Json HostTest::outcomeOf(const std::string& run_id) {
  waitFor([&](const Json& m) { return m.contains("outcome") && m["outcome"]["run_id"] == run_id; },
          "an outcome");
  return fileJson(layout_.run(run_id) / "outcome.json");
}

std::vector<agents::Event> HostTest::events(const std::string& run_id) {
  std::vector<agents::Event> all;
  std::int64_t from = 0;
  for (;;) {
    auto chunk = readSpool(layout_.run(run_id), spec_.session_id, run_id, spec_.generation, from);
    if (!chunk.ok() || chunk->events.empty()) return all;
    for (auto& event : chunk->events) all.push_back(std::move(event));
    from = chunk->to;
  }
}

std::vector<std::string> HostTest::eventTypes(const std::string& run_id) {
  std::vector<std::string> types;
  for (const auto& event : events(run_id)) types.push_back(event.event_type);
  return types;
}

std::vector<Json> HostTest::eventsOf(const std::string& run_id, const std::string& type) {
  std::vector<Json> found;
  for (const auto& event : events(run_id)) {
    if (event.event_type == type) found.push_back(parsed(event.data));
  }
  return found;
}

Json HostTest::waitForEvent(const std::string& run_id, const std::string& type) {
  std::vector<Json> found;
  const bool came = pollUntil([&] {
    io_.restart();
    io_.poll();
    found = eventsOf(run_id, type);
    return !found.empty();
  });
  EXPECT_TRUE(came) << "waited in vain for the event " << type;
  return came ? found.front() : Json();
}

int HostTest::waitForExit() {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, host_pid_, 0)));
  pollfd polled{handle.get(), POLLIN, 0};
  const int ready = ::poll(&polled, 1, static_cast<int>(kDeadline.count()) * 1000);
  EXPECT_EQ(ready, 1) << "the host did not end";
  if (ready != 1) return -1;
  int status = -1;
  ::waitpid(host_pid_, &status, 0);
  std::erase(pids_, host_pid_);
  return status;
}

Json HostTest::exitJson() {
  return fileJson(layout_.host(spec_.session_id, spec_.generation) / "exit.json");
}

}  // namespace tutti::runner
