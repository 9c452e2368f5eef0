// run-host: the small supervisor process that hosts one session's driver and outlives its server.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/base/result.hpp"

namespace tutti::runner {

/// Names one host: where its files are and which one it is.
struct HostAddress {
  std::filesystem::path store_folder;
  std::string session_id;
  std::int64_t generation = 0;
};

/// The body of `tutti run-host`: takes hosts/<session>/lock, reads host.json, starts the driver,
/// serves the control socket, and returns when the agent has ended and everything it left is
/// written. A host whose lock is taken, or for whose session a newer generation has started,
/// returns at once. Single- threaded; installs its own signal dispositions. The process's exit
/// status.
int runHost(const HostAddress& address);

/// The newest generation that has ever started, which the session's lock file remembers: neither an
/// older one nor the same one again may start. Nothing when none has, or the file is not there.
std::optional<std::int64_t> newestStarted(const std::filesystem::path& lock);

/// Starts `program run-host …` detached: own session and process group, no inherited descriptors,
/// stdin /dev/null, stdout and stderr to host.log, environment reduced to what a host needs.
/// Returns its pid; the caller reaps it. Safe in a threaded program (posix_spawn). Errors:
/// FailedPrecondition, ResourceExhausted (EAGAIN: process limit), Internal.
Result<int> spawnHost(const std::filesystem::path& program, const HostAddress& address);

}  // namespace tutti::runner
