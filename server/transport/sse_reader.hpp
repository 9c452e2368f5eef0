// Server-sent events out of bytes, as the HTML standard has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tutti::transport {

struct SseEvent {
  std::string name;  ///< of its kind; empty: a message
  std::string data;
  std::optional<std::string> id;  ///< given with this event; may be empty
};

/// Reads one stream. Not thread-safe.
class SseReader {
 public:
  SseReader(std::size_t event_bytes_max, std::function<void(SseEvent)> take)
      : event_bytes_max_(event_bytes_max), take_(std::move(take)) {}

  /// Calls back for each event that ends in `bytes`; also for one without data, if it has an id.
  /// False when an event is larger than event_bytes_max: the stream cannot be read on.
  bool read(std::string_view bytes);
  /// What the stream asked for as the pause before the next one.
  std::optional<std::int64_t> retryMs() const { return retry_ms_; }

 private:
  void endLine();
  void field(std::string_view name, std::string_view value);

  const std::size_t event_bytes_max_;
  const std::function<void(SseEvent)> take_;
  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool first_line_ = true;
  std::optional<std::int64_t> retry_ms_;
};

}  // namespace tutti::transport
