// Time, as a part that tests can replace.
#pragma once

#include <chrono>
#include <string>

namespace tutti {

using WallTime = std::chrono::system_clock::time_point;

/// Tells the time. Thread-safe. One of the three seams that have an interface: tests turn it by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  /// The machine's clock; lives as long as the program.
  static const Clock& system();
};

/// AOF's timestamp: "2026-11-20T20:36:52.152525+00:00", always UTC, always microseconds, so that
/// comparing the text compares the time.
std::string isoTimestamp(WallTime time);

/// Milliseconds since the epoch.
std::int64_t epochMillis(WallTime time);

}  // namespace tutti
