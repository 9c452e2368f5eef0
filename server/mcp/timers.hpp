// How the core is woken later. The program has a clock that runs; tests turn one by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace tutti::mcp {

/// Runs on the I/O thread only.
class Timers {
 public:
  virtual ~Timers() = default;
  /// `callback` runs once after `delay_ms`, never during this call. Dropping the handle first stops
  /// it.
  [[nodiscard]] virtual std::shared_ptr<void> after(std::int64_t delay_ms,
                                                    std::function<void()> callback) = 0;
};

}  // namespace tutti::mcp
