// poppler's pdftotext as a child process that cannot harm: the PDF on its standard input, bounded
// memory, processor time, wall time and output. A PDF is a program of strangers; its reader does
// not belong into this process.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/text.hpp"
#include "server/search/extract_parts.hpp"

namespace tutti::search {
namespace {
using SteadyClock = std::chrono::steady_clock;

constexpr int kNotFound = 127;
constexpr std::size_t kBlockBytes = 64 * 1024;

Error systemError(const char* doing) {
  return Error(Code::Internal, std::string("cannot ") + doing + ": " + errnoText(errno))
      .named("pdf_io");
}

/// The PDF as a file without a name: pdftotext reads back and forth in it.
Result<Fd> asFile(std::string_view pdf) {
  Fd file(::memfd_create("pdf", MFD_CLOEXEC));
  if (!file) return systemError("make room for a PDF");
  while (!pdf.empty()) {
    const ssize_t written = ::write(file.get(), pdf.data(), pdf.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return systemError("make room for a PDF");
    pdf.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return systemError("make room for a PDF");
  return file;
}

/// The program's path, looked for here so that nothing is allocated after fork().
std::string programPath(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

void limit(decltype(RLIMIT_AS) what, rlim_t most) {
  const rlimit bounds{most, most};
  ::setrlimit(what, &bounds);
}

/// After fork, before exec: system calls only, for the parent has threads.
[[noreturn]] void becomeReader(const char* program, int in, int out, const ExtractLimits& limits) {
  ::setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto seconds = static_cast<rlim_t>(limits.pdf_time_max.count() / 1000 + 2);
  limit(RLIMIT_CPU, seconds);
  limit(RLIMIT_AS, limits.pdf_memory_bytes_max);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(null, 2) < 0) ::_exit(126);
  ::close_range(3, ~0U, 0);
  const char* arguments[] = {program, "-q", "-enc", "UTF-8", "/dev/fd/0", "-", nullptr};
  const char* environment[] = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", nullptr};
  ::execve(program, const_cast<char**>(arguments), const_cast<char**>(environment));
  ::_exit(errno == ENOENT ? kNotFound : 126);
}

/// A child that is gone, with all it started, when this is.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ > 0) static_cast<void>(end());
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Kills it and collects its status.
  int end() {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    return collect();
  }
  int collect() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

enum class Ended { Output, TooLong, TooMuch, Failed };

/// What is left for poll(); 0 when the deadline is over.
int millisecondsTo(SteadyClock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

/// Output when there is something to read from `fd`, or its process has ended.
Ended waitFor(int fd, SteadyClock::time_point deadline) {
  for (;;) {
    pollfd ready{fd, POLLIN, 0};
    const int left = millisecondsTo(deadline);
    const int polled = left == 0 ? 0 : ::poll(&ready, 1, left);
    if (polled < 0 && errno == EINTR) continue;
    if (polled < 0) return Ended::Failed;
    return polled == 0 ? Ended::TooLong : Ended::Output;
  }
}

/// Until the process has ended, whose status stays to be collected.
Ended awaitEnd(pid_t pid, SteadyClock::time_point deadline) {
  const Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (handle) return waitFor(handle.get(), deadline);
  // A kernel before 5.3, or a sandbox's filter. It mostly ends with its output: the first look
  // tells.
  constexpr int kLookEveryMs = 10;
  for (;;) {
    siginfo_t ended{};
    const int looked = ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
    if (looked != 0 && errno != EINTR) return Ended::Failed;
    if (looked == 0 && ended.si_pid == pid) return Ended::Output;
    const int left = millisecondsTo(deadline);
    if (left == 0) return Ended::TooLong;
    ::poll(nullptr, 0, std::min(left, kLookEveryMs));
  }
}

/// Reads until the end of the output or a bound.
Ended readOutput(int fd, SteadyClock::time_point deadline, std::size_t bytes_max,
                 std::string& output) {
  std::string block(kBlockBytes, '\0');
  for (;;) {
    if (const Ended waited = waitFor(fd, deadline); waited != Ended::Output) return waited;
    const ssize_t got = ::read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Ended::Failed;
    if (got == 0) return Ended::Output;
    if (output.size() + static_cast<std::size_t>(got) > bytes_max) return Ended::TooMuch;
    output.append(block.data(), static_cast<std::size_t>(got));
  }
}

Error missing(const std::string& program) {
  return Error(Code::FailedPrecondition, "'" + program + "' is not installed, so PDFs are not read",
               "install poppler-utils and push the document again")
      .named("pdftotext_missing");
}

Error boundError(Ended ended, const ExtractLimits& limits) {
  if (ended == Ended::TooLong)
    return Error(Code::DeadlineExceeded,
                 "pdftotext took more than " + std::to_string(limits.pdf_time_max.count()) + " ms",
                 "push a simpler PDF, or its text")
        .named("pdf_time");
  if (ended == Ended::TooMuch)
    return Error(Code::ResourceExhausted,
                 "the PDF holds more than " + std::to_string(limits.text_bytes_max) +
                     " bytes of text",
                 "split the PDF")
        .named("pdf_text_too_large");
  return Error(Code::Internal, "cannot read what pdftotext prints").named("pdf_io");
}

/// What the exit status says; nothing when all is well.
std::optional<Error> statusError(int status, const ExtractLimits& limits) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) return boundError(Ended::TooLong, limits);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound) return missing(limits.pdftotext);
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV))
    return Error(Code::ResourceExhausted,
                 "pdftotext died, as it does when " + std::to_string(limits.pdf_memory_bytes_max) +
                     " bytes of memory are not enough",
                 "push a simpler PDF, or its text")
        .named("pdf_memory");
  return Error(Code::InvalidArgument, "pdftotext cannot read this PDF",
               "it is damaged, or needs a password")
      .named("pdf_unreadable");
}
}  // namespace

Result<std::string> pdfText(std::string_view pdf, const ExtractLimits& limits) {
  const std::string program = programPath(limits.pdftotext);
  if (program.empty()) return missing(limits.pdftotext);
  Result<Fd> file = asFile(pdf);
  if (!file.ok()) return file.error();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return systemError("start pdftotext");
  Fd out(ends[0]);
  Fd in(ends[1]);

  const pid_t pid = ::fork();
  if (pid < 0) return systemError("start pdftotext");
  if (pid == 0) becomeReader(program.c_str(), file->get(), in.get(), limits);
  ::setpgid(pid, pid);
  Child child(pid);
  in.reset();
  const auto deadline = SteadyClock::now() + limits.pdf_time_max;
  std::string output;
  Ended ended = readOutput(out.get(), deadline, limits.text_bytes_max, output);
  // It may have closed its output and go on.
  if (ended == Ended::Output) ended = awaitEnd(pid, deadline);
  if (ended != Ended::Output) return boundError(ended, limits);
  if (const auto error = statusError(child.collect(), limits)) return *error;
  return toValidUtf8(output);
}

}  // namespace tutti::search
