#include "server/toolhost/child_server.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "server/base/file.hpp"

namespace tutti::toolhost {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

struct Pipe {
  Fd read;
  Fd write;
};

/// Both ends above the numbers that the child's own descriptors take.
std::optional<Pipe> makePipe() {
  constexpr int kLowest = 10;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const Fd read(ends[0]);
  const Fd write(ends[1]);
  Pipe pipe{Fd(::fcntl(read.get(), F_DUPFD_CLOEXEC, kLowest)),
            Fd(::fcntl(write.get(), F_DUPFD_CLOEXEC, kLowest))};
  if (!pipe.read || !pipe.write) return std::nullopt;
  return pipe;
}

Error noProcess(int number) {
  return Error(Code::ResourceExhausted, "cannot start a process: " + errnoText(number),
               "end other processes or raise the limits (ulimit -u, ulimit -n)")
      .named("process_limit");
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

struct Ends {
  int in;
  int out;
  int err;
  int control;
};

/// posix_spawn of the guard. 0, or an errno.
int spawn(const ChildSpec& spec, const Ends& ends, pid_t& pid) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&actions);
  sigset_t none;
  sigset_t every;
  ::sigemptyset(&none);
  ::sigfillset(&every);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &every);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int failed = ::posix_spawn_file_actions_adddup2(&actions, ends.in, 0);
  failed |= ::posix_spawn_file_actions_adddup2(&actions, ends.out, 1);
  failed |= ::posix_spawn_file_actions_adddup2(&actions, ends.err, 2);
  failed |= ::posix_spawn_file_actions_adddup2(&actions, ends.control, kGuardControlFd);
  failed |= ::posix_spawn_file_actions_addclosefrom_np(&actions, kGuardControlFd + 1);
  std::vector<std::string> words = {spec.program};
  for (std::string& word : guardArguments(spec.request)) words.push_back(std::move(word));
  if (failed == 0)
    failed = ::posix_spawn(&pid, spec.program.c_str(), &actions, &attributes,
                           pointers(words).data(), pointers(spec.environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return failed;
}

}  // namespace

struct ChildServer::Impl : std::enable_shared_from_this<ChildServer::Impl> {
  Impl(asio::io_context& io, Told given, std::size_t line_max)
      : told(std::move(given)), stderr_line_max(line_max), errors(io), ended(io) {}

  void readErrors();
  void takeErrors(std::string_view bytes);
  void watchEnd();
  void drainErrors();
  void collect();

  Told told;
  const std::size_t stderr_line_max;
  pid_t pid = -1;
  Fd input;
  Fd output;
  Fd control;
  asio::posix::stream_descriptor errors;
  asio::posix::stream_descriptor ended;  // a pidfd
  std::array<char, 4096> block{};
  std::string line;
};

void ChildServer::Impl::readErrors() {
  errors.async_read_some(asio::buffer(block),
                         [self = shared_from_this()](error_code error, std::size_t size) {
                           if (error) return;
                           self->takeErrors({self->block.data(), size});
                           self->readErrors();
                         });
}

void ChildServer::Impl::takeErrors(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      if (told.on_stderr && !line.empty()) told.on_stderr(std::exchange(line, {}));
      line.clear();
    } else if (line.size() < stderr_line_max && c != '\r') {
      line += c;
    }
  }
}

void ChildServer::Impl::watchEnd() {
  ended.async_wait(asio::posix::descriptor_base::wait_read,
                   [self = shared_from_this()](error_code error) {
                     if (!error) self->collect();
                   });
}

/// What was said last is often the reason.
void ChildServer::Impl::drainErrors() {
  constexpr int kBlocksMax = 64;
  error_code error;
  errors.non_blocking(true, error);
  for (int i = 0; i < kBlocksMax && !error; ++i) {
    const std::size_t size = errors.read_some(asio::buffer(block), error);
    if (!error) takeErrors({block.data(), size});
  }
  takeErrors("\n");
}

void ChildServer::Impl::collect() {
  int status = 0;
  const pid_t got = ::waitpid(std::exchange(pid, -1), &status, WNOHANG);
  if (got <= 0) return;
  drainErrors();
  if (told.on_exit)
    told.on_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

Result<std::unique_ptr<ChildServer>> ChildServer::start(asio::io_context& io, ChildSpec spec,
                                                        Told told) {
  auto in = makePipe();
  auto out = makePipe();
  auto err = makePipe();
  auto control = makePipe();
  if (!in || !out || !err || !control) return noProcess(errno);
  auto impl = std::make_shared<Impl>(io, std::move(told), spec.stderr_line_max);
  const Ends ends{in->read.get(), out->write.get(), err->write.get(), control->read.get()};
  if (const int failed = spawn(spec, ends, impl->pid); failed != 0) return noProcess(failed);
  impl->input = std::move(in->write);
  impl->output = std::move(out->read);
  impl->control = std::move(control->write);
  impl->errors.assign(err->read.release());
  const long pidfd = ::syscall(SYS_pidfd_open, impl->pid, 0U);
  if (pidfd < 0) return noProcess(errno);
  impl->ended.assign(static_cast<int>(pidfd));
  impl->readErrors();
  impl->watchEnd();
  return std::unique_ptr<ChildServer>(new ChildServer(std::move(impl)));
}

/// The wait for the guard's end goes on, so that no dead process is left behind.
ChildServer::~ChildServer() {
  end();
}

Fd ChildServer::takeOutput() {
  return std::move(impl_->output);
}
Fd ChildServer::takeInput() {
  return std::move(impl_->input);
}
int ChildServer::pid() const {
  return impl_->pid;
}
void ChildServer::end() {
  impl_->control.reset();
}

}  // namespace tutti::toolhost
