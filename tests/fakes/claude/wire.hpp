// Lines in, records out.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace fake_claude {

using Json = nlohmann::json;

/// Reads stdin line by line without blocking longer than asked. Single-threaded.
class Lines {
 public:
  /// The next line; nothing when `wait_ms` passed (-1 waits for ever) or input has ended.
  std::optional<std::string> next(int wait_ms);
  bool ended() const { return ended_ && queue_.empty(); }
  /// Puts a line back, behind those already waiting.
  void later(std::string line) { queue_.push_back(std::move(line)); }

 private:
  std::optional<std::string> pop();

  std::deque<std::string> queue_;
  std::string partial_;
  bool ended_ = false;
};

/// Writes all of `text` to stdout; ends the process when nobody reads any more.
void writeRaw(std::string_view text);
/// Writes one record as a line. Ill-formed UTF-8 becomes U+FFFD.
void writeRecord(const Json& record);
/// A random version 4 UUID.
std::string makeUuid();

}  // namespace fake_claude
