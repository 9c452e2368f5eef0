#include "tests/integration/tutti_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/environment.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>
#include <boost/process/start_dir.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "tests/read_file.hpp"

namespace tutti::test {
namespace bp = boost::process;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {
constexpr auto kDeadline = std::chrono::seconds(60);

std::string program() {
  const char* path = std::getenv("TUTTI_BIN");
  if (path == nullptr) throw std::runtime_error("TUTTI_BIN does not name the program under test");
  return path;
}

bp::environment makeEnvironment(const TempFolder& folder, const std::vector<std::string>& more) {
  bp::environment made;
  made["PATH"] = std::getenv("PATH");
  made["HOME"] = folder.path().string();
  made["TUTTI_DATA"] = (folder.path() / "data").string();
  made["TUTTI_BLUEPRINTS"] = (folder.path() / "blueprints").string();
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) made[name] = value;
  for (const std::string& entry : more) {
    const auto equals = entry.find('=');
    made[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return made;
}
}  // namespace

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "tutti-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
  fs::create_directories(path_ / "blueprints" / "agents");
}

TempFolder::~TempFolder() {
  // Whatever a test leaves running would outlive it: run-hosts are made to.
  for (int round = 0; round < 50; ++round) {
    auto left = processesMarked("TUTTI_DATA=" + (path_ / "data").string());
    const auto hosts = hostsOf((path_ / "data").string());
    left.insert(left.end(), hosts.begin(), hosts.end());
    if (left.empty()) break;
    for (const int pid : left) ::kill(pid, SIGKILL);
    ::usleep(20'000);
  }
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TempFolder::write(const std::string& name, const std::string& content, int mode) const {
  const fs::path path = path_ / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  ::chmod(path.c_str(), static_cast<mode_t>(mode));
  return path;
}

struct TuttiProcess::Impl {
  bp::pipe in;
  bp::pipe out;
  bp::child child;
  fs::path errors;
  std::string pending;
  bool input_open = true;
};

TuttiProcess::TuttiProcess(const TempFolder& folder, Options options)
    : impl_(std::make_unique<Impl>()) {
  impl_->errors = folder.path() / ("stderr." + std::to_string(::rand()) + ".log");
  std::vector<std::string> words = std::move(options.wrapper);
  words.push_back(program());
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  const std::string first = words.front();
  words.erase(words.begin());
  impl_->child = bp::child(first, bp::args = words, makeEnvironment(folder, options.environment),
                           bp::start_dir = folder.path().string(),
                           bp::std_in<impl_->in, bp::std_out> impl_->out,
                           bp::std_err > impl_->errors.string());
  ::fcntl(impl_->in.native_sink(), F_SETFD, FD_CLOEXEC);
  ::fcntl(impl_->out.native_source(), F_SETFD, FD_CLOEXEC);
  // The child's ends, so that the end of one side is seen by the other.
  ::close(impl_->in.native_source());
  impl_->in.assign_source(-1);
  ::close(impl_->out.native_sink());
  impl_->out.assign_sink(-1);
}

TuttiProcess::~TuttiProcess() {
  if (!impl_->child.valid()) return;
  std::error_code ignored;
  if (impl_->child.running(ignored)) {
    ::kill(impl_->child.id(), SIGKILL);
    impl_->child.wait(ignored);
  }
}

int TuttiProcess::pid() const {
  return impl_->child.id();
}

void TuttiProcess::sendBytes(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(impl_->in.native_sink(), text.data() + done, text.size() - done);
    if (wrote <= 0) {
      ADD_FAILURE() << "tutti does not read any more";
      return;
    }
    done += static_cast<std::size_t>(wrote);
  }
}

Json TuttiProcess::receive() {
  const auto deadline = Clock::now() + kDeadline;
  for (;;) {
    const auto newline = impl_->pending.find('\n');
    if (newline != std::string::npos) {
      const std::string line = impl_->pending.substr(0, newline);
      impl_->pending.erase(0, newline + 1);
      Json message = Json::parse(line, nullptr, false);
      EXPECT_FALSE(message.is_discarded()) << "not JSON on stdout: " << line.substr(0, 300);
      return message;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd readable{impl_->out.native_source(), POLLIN, 0};
    char block[65536];
    const bool ready = left > 0 && ::poll(&readable, 1, static_cast<int>(left)) > 0;
    const ssize_t got = ready ? ::read(readable.fd, block, sizeof block) : 0;
    if (got <= 0) {
      ADD_FAILURE() << (ready ? "tutti closed its output" : "no message within the deadline");
      return Json::object();
    }
    impl_->pending.append(block, static_cast<std::size_t>(got));
  }
}

Json TuttiProcess::request(const std::string& method, Json params) {
  const int id = ++next_id_;
  params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28";
  Json& capabilities = params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
  if (capabilities.is_null()) capabilities = Json::object();
  send(Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
  for (;;) {
    Json message = receive();
    if (message.empty()) return message;
    if (message.contains("id") && message["id"] == id) return message;
    notifications_.push_back(std::move(message));
  }
}

Json TuttiProcess::call(const std::string& tool, Json arguments) {
  const Json response =
      request("tools/call", Json{{"name", tool}, {"arguments", std::move(arguments)}});
  if (response.contains("error")) return Json{{"error", response["error"]}};
  const Json result = response.value("result", Json::object());
  if (result.value("isError", false)) {
    // Of a tool without an output schema the structured content itself is the error.
    const Json meta = result.value("_meta", Json::object());
    if (meta.contains("tutti/error")) return Json{{"error", meta["tutti/error"]}};
    const Json structured = result.value("structuredContent", Json::object());
    return structured.contains("error") ? structured : Json{{"error", nullptr}};
  }
  return result.value("structuredContent", Json::object());
}

void TuttiProcess::closeInput() {
  if (!impl_->input_open) return;
  impl_->input_open = false;
  ::close(impl_->in.native_sink());
  impl_->in.assign_sink(-1);
}

int TuttiProcess::wait() {
  std::error_code ignored;
  impl_->child.wait(ignored);
  const int status = impl_->child.native_exit_code();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void TuttiProcess::kill(int signal) {
  ::kill(impl_->child.id(), signal);
}

std::string TuttiProcess::errors() const {
  return fixture::readAll(impl_->errors);
}

std::string TuttiProcess::readRest() {
  std::string all = std::move(impl_->pending);
  impl_->pending.clear();
  char block[65536];
  for (;;) {
    const ssize_t got = ::read(impl_->out.native_source(), block, sizeof block);
    if (got <= 0) return all;
    all.append(block, static_cast<std::size_t>(got));
  }
}

void limitFiles(const TuttiProcess& tutti, rlim_t bytes) {
  rlimit limit{};
  ASSERT_EQ(::prlimit(tutti.pid(), RLIMIT_FSIZE, nullptr, &limit), 0);
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  ASSERT_EQ(::prlimit(tutti.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

Ran runTutti(const TempFolder& folder, std::vector<std::string> arguments,
             std::vector<std::string> environment) {
  const fs::path out = folder.path() / "command.out";
  const fs::path err = folder.path() / "command.err";
  // They are opened as they are, without being emptied.
  fs::remove(out);
  fs::remove(err);
  Ran ran;
  bp::child child(program(), bp::args = arguments, makeEnvironment(folder, environment),
                  bp::start_dir = folder.path().string(),
                  bp::std_in<bp::null, bp::std_out> out.string(), bp::std_err > err.string());
  child.wait();
  ran.status = child.exit_code();
  ran.out = fixture::readAll(out);
  ran.err = fixture::readAll(err);
  return ran;
}

void writeProgram(const TempFolder& folder, const std::string& name, const std::string& body,
                  Json more) {
  Json agent = {{"name", name},
                {"description", "A program of a test"},
                {"type", "procedural"},
                {"command", Json::array({"./run.sh"})}};
  agent.update(more);
  const std::string place = "blueprints/agents/" + name;
  folder.write(place + "/agent.json", agent.dump(2));
  folder.write(place + "/run.sh", "#!/bin/sh\n" + body, 0755);
}

int countOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

bool waitForFile(const fs::path& path) {
  for (const auto deadline = Clock::now() + kDeadline; Clock::now() < deadline; ::usleep(5'000))
    if (fs::exists(path)) return true;
  return false;
}

namespace {
/// Processes other than this one for which `wanted` says yes to their folder in /proc.
template <class Wanted>
std::vector<int> processesWhere(Wanted wanted) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && pid != ::getpid() && wanted(entry.path())) found.push_back(pid);
  }
  return found;
}
}  // namespace

std::vector<int> processesMarked(const std::string& mark) {
  return processesWhere([&](const fs::path& process) {
    return fixture::readAll(process / "environ").find(mark) != std::string::npos;
  });
}

std::vector<int> hostsOf(const std::string& word) {
  return processesWhere([&](const fs::path& process) {
    const std::string command = fixture::readAll(process / "cmdline");
    return command.find("run-host") != std::string::npos && command.find(word) != std::string::npos;
  });
}

}  // namespace tutti::test
