// The process between tutti and a mounted server: it makes sure that nothing of that server is left
// when tutti ends, however tutti ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/base/result.hpp"

namespace tutti::toolhost {

/// Limits the kernel keeps; 0 is none.
struct ProcessLimits {
  std::int64_t memory_mb = 0;   ///< address space of each process
  std::int64_t open_files = 0;  ///< of each process
  std::int64_t cpu_s = 0;       ///< of each process
  std::int64_t file_mb = 0;     ///< of each file written
};

struct GuardRequest {
  std::vector<std::string> command;  ///< the first word is looked for in PATH
  std::string folder;                ///< working folder; empty: as it is
  ProcessLimits limits;
};

/// The subcommand's name.
inline constexpr const char* kGuardCommand = "run-tool-server";
/// The descriptor whose end tells the guard to clear up: tutti holds the other end.
inline constexpr int kGuardControlFd = 3;
inline constexpr std::int64_t kGuardLeaveMaxMs = 1'000;  ///< after its input has ended
inline constexpr std::int64_t kGuardTermMaxMs = 2'000;   ///< between SIGTERM and SIGKILL

/// The words after the program's own name, and back. Errors: InvalidArgument.
std::vector<std::string> guardArguments(const GuardRequest& request);
Result<GuardRequest> parseGuardArguments(const std::vector<std::string>& words);

/// Runs the command as a child in a process group of its own, on this process' descriptors 0 to 2,
/// with this process' environment. Ends with it: its status, or 128 + the signal. When the control
/// descriptor ends, or SIGTERM comes, the child has kGuardLeaveMaxMs to leave by itself; then all
/// descendants get SIGTERM, and SIGKILL after kGuardTermMaxMs. Descendants that outlive the child
/// meet the same end. Single-threaded; for a process of its own.
int runGuard(const GuardRequest& request);

}  // namespace tutti::toolhost
