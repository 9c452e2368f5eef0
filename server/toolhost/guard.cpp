#include "server/toolhost/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/runner/process_tree.hpp"

namespace tutti::toolhost {
namespace {

constexpr int kCannotStart = 127;

struct LimitOption {
  std::string_view option;
  std::int64_t ProcessLimits::*value;
};
constexpr LimitOption kLimitOptions[] = {{"--memory-mb", &ProcessLimits::memory_mb},
                                         {"--open-files", &ProcessLimits::open_files},
                                         {"--cpu-s", &ProcessLimits::cpu_s},
                                         {"--file-mb", &ProcessLimits::file_mb}};

void limit(__rlimit_resource resource, std::int64_t value, std::int64_t unit) {
  if (value <= 0) return;
  const auto most = static_cast<rlim_t>(value) * static_cast<rlim_t>(unit);
  const rlimit both{most, most};
  ::setrlimit(resource, &both);
}

void apply(const ProcessLimits& limits) {
  constexpr std::int64_t kMegabyte = 1024 * 1024;
  limit(RLIMIT_AS, limits.memory_mb, kMegabyte);
  limit(RLIMIT_NOFILE, limits.open_files, 1);
  limit(RLIMIT_CPU, limits.cpu_s, 1);
  limit(RLIMIT_FSIZE, limits.file_mb, kMegabyte);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

[[noreturn]] void becomeServer(const GuardRequest& request, int guard) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guard) ::_exit(kCannotStart);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  apply(request.limits);
  std::vector<char*> argv;
  for (const std::string& word : request.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::string problem;
  if (!request.folder.empty() && ::chdir(request.folder.c_str()) != 0)
    problem = "cannot enter the folder '" + request.folder + "': " + errnoText(errno) + "\n";
  if (problem.empty()) {
    ::execvp(argv[0], argv.data());
    problem = "cannot run '" + request.command.front() + "': " + errnoText(errno) + "\n";
  }
  const ssize_t told = ::write(STDERR_FILENO, problem.data(), problem.size());
  ::_exit(told < 0 ? kCannotStart - 1 : kCannotStart);
}

/// The guard's own life after its child has started.
class Guard {
 public:
  Guard(pid_t child, Fd signals) : child_(child), signals_(std::move(signals)) {}

  int run() {
    reap();
    while (!over()) {
      act();
      await();
      reap();
    }
    return status_;
  }

 private:
  enum class Stage { Serving, Leaving, Terminating, Killing };

  static std::vector<runner::ProcessInfo> family() {
    return runner::descendants(runner::listProcesses(), ::getpid());
  }

  bool over() {
    if (!child_ended_) return false;
    if (childless_) return true;
    if (family().empty()) return true;  // dead ones, or run-hosts, which live on
    if (stage_ == Stage::Serving || stage_ == Stage::Leaving) enter(Stage::Terminating);
    return false;
  }

  void enter(Stage stage) {
    stage_ = stage;
    entered_ms_ = runner::steadyMillis();
    if (stage == Stage::Terminating)
      for (const runner::ProcessInfo& process : family()) runner::signalProcess(process, SIGTERM);
  }

  std::int64_t sinceEntered() const { return runner::steadyMillis() - entered_ms_; }

  void act() {
    if (stage_ == Stage::Leaving && sinceEntered() >= kGuardLeaveMaxMs) enter(Stage::Terminating);
    if (stage_ == Stage::Terminating && sinceEntered() >= kGuardTermMaxMs) enter(Stage::Killing);
    if (stage_ == Stage::Killing)
      for (const runner::ProcessInfo& process : family()) runner::signalProcess(process, SIGKILL);
  }

  int pauseMs() const {
    constexpr int kLookAgainMs = 20;
    if (stage_ == Stage::Serving) return -1;
    if (stage_ == Stage::Leaving)
      return static_cast<int>(std::max<std::int64_t>(0, kGuardLeaveMaxMs - sinceEntered()));
    return kLookAgainMs;
  }

  void await() {
    pollfd watched[2] = {{signals_.get(), POLLIN, 0}, {kGuardControlFd, POLLIN, 0}};
    const bool control = stage_ == Stage::Serving;
    if (::poll(watched, control ? 2 : 1, pauseMs()) < 0) return;
    signalfd_siginfo info{};
    bool asked = false;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info)
      asked |= info.ssi_signo != SIGCHLD;
    if (control && watched[1].revents != 0) asked = true;
    if (asked && stage_ == Stage::Serving) enter(Stage::Leaving);
  }

  void reap() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0 && errno == EINTR) continue;
      childless_ = pid < 0 && errno == ECHILD;
      if (pid <= 0) return;
      if (pid != child_) continue;
      child_ended_ = true;
      status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }

  const pid_t child_;
  const Fd signals_;
  Stage stage_ = Stage::Serving;
  std::int64_t entered_ms_ = 0;
  int status_ = 0;
  bool child_ended_ = false;
  bool childless_ = false;
};

}  // namespace

std::vector<std::string> guardArguments(const GuardRequest& request) {
  std::vector<std::string> words = {kGuardCommand};
  if (!request.folder.empty()) words.insert(words.end(), {"--folder", request.folder});
  for (const LimitOption& each : kLimitOptions)
    if (const std::int64_t value = request.limits.*each.value; value > 0)
      words.insert(words.end(), {std::string(each.option), std::to_string(value)});
  words.emplace_back("--");
  words.insert(words.end(), request.command.begin(), request.command.end());
  return words;
}

Result<GuardRequest> parseGuardArguments(const std::vector<std::string>& words) {
  GuardRequest request;
  const auto bad = [](const std::string& word) {
    return Error(Code::InvalidArgument, "'" + word + "' is no argument of run-tool-server",
                 "tutti starts it by itself");
  };
  std::size_t at = 0;
  for (; at + 1 < words.size() && words[at] != "--"; at += 2) {
    const std::string& value = words[at + 1];
    if (words[at] == "--folder") {
      request.folder = value;
      continue;
    }
    std::int64_t ProcessLimits::*field = nullptr;
    for (const LimitOption& each : kLimitOptions)
      if (words[at] == each.option) field = each.value;
    if (field == nullptr) return bad(words[at]);
    const auto read =
        std::from_chars(value.data(), value.data() + value.size(), request.limits.*field);
    if (read.ec != std::errc{} || read.ptr != value.data() + value.size()) return bad(value);
  }
  if (at + 1 >= words.size() || words[at] != "--") return bad(at < words.size() ? words[at] : "");
  request.command.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
  return request;
}

int runGuard(const GuardRequest& request) {
  ::prctl(PR_SET_NAME, "tutti-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::fcntl(kGuardControlFd, F_SETFD, FD_CLOEXEC);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int taken : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, taken);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return kCannotStart;

  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return kCannotStart;
  if (child == 0) becomeServer(request, self);
  ::setpgid(child, child);
  // The pipes belong to the child now: their end must tell of its end.
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd <= 2; ++fd) ::dup2(null.get(), fd);
  return Guard(child, std::move(signals)).run();
}

}  // namespace tutti::toolhost
