// The log: JSON lines on stderr, one per record, because stdout belongs to the protocol.
// Never log a prompt, a result or an argument above debug; never log a secret at all.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace tutti::log {

enum class Level { Debug, Info, Warning, Error, Off };

/// One named value of a record.
struct Field {
  std::string_view key;
  std::string value;
  bool quoted;  ///< false: `value` is a number or a boolean and is written bare

  Field(std::string_view k, std::string_view v) : key(k), value(v), quoted(true) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v), quoted(true) {}
  Field(std::string_view k, const char* v) : key(k), value(v), quoted(true) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  Field(std::string_view k, N v) : key(k), value(number(v)), quoted(false) {}

 private:
  static std::string number(bool v) { return v ? "true" : "false"; }
  template <class N>
  static std::string number(N v) {
    return std::to_string(v);
  }
};
using Fields = std::initializer_list<Field>;

/// Where records go and from which level. Call once in main before any thread starts; without it
/// warnings and errors go to stderr.
void configure(Level level);

/// "debug", "info", "warning", "error" or "off". False, and `level` untouched, for any other word.
bool parseLevel(std::string_view word, Level& level);

/// Thread-safe. A record below the configured level costs one comparison.
bool enabled(Level level);
void write(Level level, std::string_view message, Fields fields = {});

inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::Debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::Info, message, fields);
}
inline void warning(std::string_view message, Fields fields = {}) {
  write(Level::Warning, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::Error, message, fields);
}

}  // namespace tutti::log
