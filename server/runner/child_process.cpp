#include "server/runner/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>

#include "server/base/file.hpp"

namespace tutti::runner {
namespace {

struct Pipe {
  Fd read;
  Fd write;
};

std::optional<Pipe> makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// What the child could not do, sent through a pipe that a successful exec closes.
enum class Stage : std::int32_t { Setup, Folder, Exec };
struct StartFailure {
  Stage stage;
  std::int32_t number;
};

struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* folder = nullptr;
  int in = -1;
  int out = -1;
  int err = -1;
  int report = -1;
  pid_t parent = -1;
};

[[noreturn]] void failChild(int report, Stage stage) {
  const StartFailure failure{stage, errno};
  const ssize_t sent = ::write(report, &failure, sizeof failure);
  ::_exit(sent == sizeof failure ? 127 : 126);
}

/// After fork, before exec: system calls only.
[[noreturn]] void becomeAgent(const Prepared& prepared) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(126);  // the host died before the line above
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  // The report's end moves to 3 so that everything above it can be closed in one call.
  if (::dup2(prepared.in, 0) < 0 || ::dup2(prepared.out, 1) < 0 || ::dup2(prepared.err, 2) < 0)
    failChild(prepared.report, Stage::Setup);
  const int report = ::fcntl(prepared.report, F_DUPFD_CLOEXEC, 3);
  if (report < 0 || (report != 3 && ::dup3(report, 3, O_CLOEXEC) < 0))
    failChild(prepared.report, Stage::Setup);
  ::close_range(4, ~0U, 0);
  if (::chdir(prepared.folder) != 0) failChild(3, Stage::Folder);
  ::execve(prepared.argv[0], prepared.argv.data(), prepared.environment.data());
  failChild(3, Stage::Exec);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

Error startError(const StartFailure& failure, const ChildCommand& command) {
  const std::string& program = command.argv.front();
  const std::string why = errnoText(failure.number);
  if (failure.stage == Stage::Folder)
    return Error(Code::FailedPrecondition,
                 "cannot enter the project folder '" + command.folder + "': " + why,
                 "pass project_dir as a folder that exists")
        .named("project_dir_missing");
  if (failure.number == E2BIG)
    return Error(Code::InvalidArgument,
                 "the arguments for '" + program + "' are longer than the system allows",
                 "pass large inputs as files")
        .named("arguments_too_long");
  if (failure.number == ENOENT)
    return Error(Code::FailedPrecondition,
                 "program '" + program + "' (or its interpreter) not found",
                 "install it or correct the blueprint's command")
        .named("agent_not_found");
  if (failure.number == EACCES || failure.number == ENOEXEC)
    return Error(Code::FailedPrecondition, "program '" + program + "' cannot be executed: " + why,
                 "make it executable, with a #! line if it is a script")
        .named("agent_not_executable");
  return Error(Code::Internal, "cannot start '" + program + "': " + why)
      .named("agent_start_failed");
}

Error noProcess(int number) {
  return Error(Code::ResourceExhausted, "cannot start a process: " + errnoText(number),
               "end other processes or raise the limits (ulimit -u, ulimit -n)")
      .named("process_limit");
}

/// Waits for the exec (the pipe closes) or its failure.
std::optional<StartFailure> awaitStart(int report, int pid) {
  StartFailure failure{};
  ssize_t got = 0;
  do {
    got = ::read(report, &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof failure) return std::nullopt;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return failure;
}

}  // namespace

void setNonBlocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

Result<ChildProcess> ChildProcess::start(const ChildCommand& command) {
  std::optional<Pipe> out = makePipe();
  std::optional<Pipe> err = makePipe();
  std::optional<Pipe> report = makePipe();
  std::optional<Pipe> in;
  Fd null;
  if (command.stdin_piped)
    in = makePipe();
  else
    null = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!out || !err || !report || (!in && !null)) return noProcess(errno);

  Prepared prepared;
  prepared.argv = pointers(command.argv);
  prepared.environment = pointers(command.environment);
  prepared.folder = command.folder.c_str();
  prepared.in = in ? in->read.get() : null.get();
  prepared.out = out->write.get();
  prepared.err = err->write.get();
  prepared.report = report->write.get();
  prepared.parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) return noProcess(errno);
  if (pid == 0) becomeAgent(prepared);
  ::setpgid(pid, pid);  // in both, so that neither can be too early; fails once it has exec'd

  report->write.reset();
  if (const auto failure = awaitStart(report->read.get(), pid))
    return startError(*failure, command);

  ChildProcess child;
  child.pid = pid;
  if (in) child.stdin_pipe = std::move(in->write);
  child.stdout_pipe = std::move(out->read);
  child.stderr_pipe = std::move(err->read);
  if (child.stdin_pipe) setNonBlocking(child.stdin_pipe.get());
  setNonBlocking(child.stdout_pipe.get());
  setNonBlocking(child.stderr_pipe.get());
  return child;
}

std::string ChildExit::text() const {
  if (signal == 0) return "exited with status " + std::to_string(code);
  return "was killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

void ChildReaper::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    childless_ = pid < 0 && errno == ECHILD;
    if (pid <= 0) return;
    const auto found = expected_.find(pid);
    if (found == expected_.end()) continue;
    const Ended ended = std::move(found->second);
    expected_.erase(found);
    ChildExit end;
    if (WIFSIGNALED(status))
      end.signal = WTERMSIG(status);
    else
      end.code = WEXITSTATUS(status);
    ended(end);
  }
}

}  // namespace tutti::runner
