// The host's side of a run's folder: the spool, bounded and safe against torn writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::runner {

struct SpoolLimits {
  std::int64_t bytes_max = 0;
  std::int64_t events_max = 0;
};

/// Appends events, one line each: {"event_type","timestamp","data":{…}}. A line is in the file
/// whole, or not at all, or is the torn last one, which readers leave alone and the next open
/// seals.
class SpoolWriter {
 public:
  /// Creates or continues `run_folder`/events.ndjson. Errors: as ioError.
  static Result<SpoolWriter> open(const std::filesystem::path& run_folder, SpoolLimits limits);

  /// An event above 1 MiB is cut (members "cut", "bytes", "shown"). Past a limit the event is
  /// counted and left out, which is no error. Errors: ResourceExhausted "disk_full", Internal
  /// "io_error"; what was written of the line is taken back.
  Status append(std::string_view type, const Json& data);
  /// Writes what was left out as the last event, "events_dropped", and syncs. For the run's end.
  Status finish();

  std::int64_t bytes() const { return bytes_; }
  std::int64_t events() const { return events_; }
  std::int64_t dropped() const { return dropped_; }

 private:
  SpoolWriter(std::filesystem::path path, Fd fd, SpoolLimits limits, std::int64_t bytes);
  Status write(std::string_view line);

  std::filesystem::path path_;
  Fd fd_;
  SpoolLimits limits_;
  std::int64_t bytes_ = 0;
  std::int64_t events_ = 0;
  std::int64_t dropped_ = 0;
  std::string dropped_because_;  ///< "events_max" or "spool_bytes_max"
  bool torn_ = false;            ///< the file ends within a line
};

}  // namespace tutti::runner
