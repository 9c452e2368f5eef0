#include <nlohmann/json.hpp>

#include "server/runner/host.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/runner/host_session.hpp"
#include "server/runner/process_mark.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kHostSpecBytesMax = 64U * 1024 * 1024;
constexpr std::size_t kGenerationBytesMax = 32;
constexpr int kLockWaitMaxMs = 12'000;  ///< an ending host may need its whole grace
constexpr int kLockRetryMs = 5;
constexpr int kExitSpecUnreadable = 1;
constexpr int kExitLocked = 3;  ///< another host of the session lives
constexpr int kExitStale = 4;   ///< this generation or a newer one has started before

/// Takes the session's lock. A host of an older generation that is just ending is waited for; one
/// of this or a newer generation is not.
Result<Fd> lockWhenFree(const std::filesystem::path& path, std::int64_t generation) {
  for (int waited_ms = 0;; waited_ms += kLockRetryMs) {
    Result<Fd> lock = tryLockFile(path);
    if (!lock.ok() || *lock || waited_ms >= kLockWaitMaxMs) return lock;
    if (newestStarted(path).value_or(-1) >= generation) return lock;
    ::usleep(kLockRetryMs * 1000);
  }
}

Status rememberStarted(int lock, std::int64_t generation, const std::filesystem::path& path) {
  const std::string text = std::to_string(generation) + "\n";
  const auto size = static_cast<ssize_t>(text.size());
  if (::pwrite(lock, text.data(), text.size(), 0) != size || ::ftruncate(lock, size) != 0 ||
      ::fdatasync(lock) != 0)
    return ioError(errno, "write", path);
  return ok();
}

Result<HostSpec> readSpec(const std::filesystem::path& folder, const HostAddress& address) {
  Result<std::string> text = readFile(folder / "host.json", kHostSpecBytesMax);
  if (!text.ok()) return text.error();
  json::ParseLimits limits;
  limits.bytes_max = kHostSpecBytesMax;
  const Result<Json> parsed = json::parse(*text, limits);
  if (!parsed.ok()) return parsed.error();
  Result<HostSpec> spec = hostSpecFromJson(*parsed);
  if (!spec.ok()) return spec;
  if (spec->session_id != address.session_id || spec->generation != address.generation)
    return Error(Code::InvalidArgument, "host.json is for another session or generation");
  return spec;
}

/// A host that cannot even begin still says so, for whoever waits for it.
int giveUp(const std::filesystem::path& folder, const Error& error) {
  log::error("the host cannot start", {{"error", error.message()}});
  Json whole = Json::object();
  whole["session_status"] = agents::toString(agents::SessionStatus::Failed);
  whole["reason"] = "host_spec_invalid";
  whole["error"] = error.message();
  whole["at"] = isoTimestamp(Clock::system().now());
  if (Status written = writeFileDurably(folder / "exit.json", json::dump(whole)); !written.ok())
    log::error("exit.json cannot be written", {{"error", written.error().message()}});
  return kExitSpecUnreadable;
}

}  // namespace

std::optional<std::int64_t> newestStarted(const std::filesystem::path& lock) {
  const Result<std::string> text = readFile(lock, kGenerationBytesMax);
  std::int64_t generation = 0;
  if (!text.ok() ||
      std::from_chars(text->data(), text->data() + text->size(), generation).ec != std::errc())
    return std::nullopt;
  return generation;
}

int runHost(const HostAddress& address) {
  ::prctl(PR_SET_NAME, "tutti-run-host");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::umask(077);
  std::error_code ignored;
  const Layout layout(std::filesystem::absolute(address.store_folder, ignored));
  const auto lock_path = layout.sessionHosts(address.session_id) / "lock";
  Result<Fd> lock = lockWhenFree(lock_path, address.generation);
  const auto folder = layout.host(address.session_id, address.generation);
  if (!lock.ok()) return giveUp(folder, lock.error());
  if (!*lock) {
    log::warning("another host of this session lives", {{"generation", address.generation}});
    return kExitLocked;
  }
  if (newestStarted(lock_path).value_or(-1) >= address.generation) {
    log::warning("this generation is stale", {{"generation", address.generation}});
    return kExitStale;
  }
  markProcesses(address.session_id, address.generation);
  // A full disk must not keep a session from saying that the disk is full.
  if (Status noted = rememberStarted(lock->get(), address.generation, lock_path); !noted.ok())
    log::error("the generation could not be noted", {{"error", noted.error().message()}});
  Result<HostSpec> spec = readSpec(folder, address);
  if (!spec.ok()) return giveUp(folder, spec.error());
  // It names credentials of the agent's environment, and this generation never starts again.
  std::filesystem::remove(folder / "host.json", ignored);
  if (::chdir(folder.c_str()) != 0) return giveUp(folder, ioError(errno, "enter", folder));
  HostSession session(layout, std::move(spec).value());
  return session.run();
}

}  // namespace tutti::runner
