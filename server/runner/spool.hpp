// Reading what a run-host has left: the spool from an offset, the outcome, the exit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/agents/sessions.hpp"
#include "server/base/result.hpp"

namespace tutti::runner {

/// Complete lines of `run_folder`/events.ndjson from byte `from` on, at most about `bytes_max`. A torn
/// last line is left for later. A line that is not a JSON object becomes an event "spool_garbage".
/// NotFound only when there is no spool file.
Result<agents::SpoolChunk> readSpool(const std::filesystem::path& run_folder,
                                     const std::string& session_id, const std::string& run_id,
                                     std::int64_t generation, std::int64_t from,
                                     std::size_t bytes_max = 1U << 20);

/// outcome.json as the store takes it, or nothing while the run is not over.
Result<std::optional<agents::Outcome>> readOutcome(const std::filesystem::path& run_folder);

/// How a host ended (exit.json).
struct HostExit {
  agents::SessionStatus session_status = agents::SessionStatus::Failed;
  std::string json;  ///< {"reason", "stop_report"?, …}
};
std::optional<HostExit> readHostExit(const std::filesystem::path& host_folder);

/// What is left of a host that died without exit.json: its agent's processes, found by the process
/// group in state.json (checked against start times, so that a reused id is never signalled) and by
/// the session's mark on them (process_mark.hpp) or in their environment. Kills them (SIGTERM,
/// grace, SIGKILL) and, when only that is left, the host itself should it live out of reach
/// (SIGKILL); waits until they are gone, returns what was seen as JSON
/// {"found":[pids],"killed":n,"left":[pids]}. Blocking: up to the grace.
std::string reapOrphans(const std::filesystem::path& host_folder, const std::string& session_id,
                        std::int64_t generation, std::int64_t grace_ms);

}  // namespace tutti::runner
