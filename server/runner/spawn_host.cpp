#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <spawn.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "server/base/file.hpp"
#include "server/runner/host.hpp"
#include "server/runner/spec.hpp"

namespace tutti::runner {
namespace {

/// What a host itself needs; an agent's environment is in host.json.
constexpr std::array kInherited = {"PATH",   "HOME", "LANG", "LC_ALL",
                                   "TMPDIR", "TZ",   "USER", "LOGNAME"};

std::vector<std::string> hostEnvironment() {
  std::vector<std::string> environment;
  for (const char* name : kInherited) {
    if (const char* value = std::getenv(name))
      environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

/// The two halves of posix_spawn's arguments that need to be freed.
class Plan {
 public:
  Plan() {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
  }
  ~Plan() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  int fill(const std::string& log) {
    sigset_t none;
    sigset_t every;
    ::sigemptyset(&none);
    ::sigfillset(&every);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &every);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int log_flags = O_WRONLY | O_CREAT | O_APPEND;
    int failed = ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    failed |= ::posix_spawn_file_actions_addopen(&actions_, 1, log.c_str(), log_flags, 0600);
    failed |= ::posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    failed |= ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    return failed;
  }

  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

Error spawnError(int number, const std::filesystem::path& program) {
  const std::string message = "cannot start '" + program.string() + "': " + errnoText(number);
  if (number == EAGAIN || number == ENOMEM)
    return Error(Code::ResourceExhausted, message, "end other processes or raise ulimit -u")
        .named("process_limit");
  if (number == ENOENT || number == EACCES)
    return Error(Code::FailedPrecondition, message).named("host_not_startable");
  return Error(Code::Internal, message).named("host_not_startable");
}

}  // namespace

Result<int> spawnHost(const std::filesystem::path& program, const HostAddress& address) {
  std::error_code ignored;
  const auto store = std::filesystem::absolute(address.store_folder, ignored);
  const auto folder = Layout(store).host(address.session_id, address.generation);
  Plan plan;
  if (const int failed = plan.fill((folder / "host.log").string()); failed != 0)
    return spawnError(failed, program);
  const std::vector<std::string> words = {
      program.string(), "run-host",         "--data",       store.string(),
      "--session",      address.session_id, "--generation", std::to_string(address.generation)};
  const std::vector<std::string> environment = hostEnvironment();
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, program.c_str(), &plan.actions_, &plan.attributes_,
                                   pointers(words).data(), pointers(environment).data());
  if (failed != 0) return spawnError(failed, program);
  return pid;
}

}  // namespace tutti::runner
