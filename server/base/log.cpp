// The only file that sees spdlog. Header-only here on purpose: one slow file instead of two shared
// libraries in every process, run-hosts included.
#define FMT_HEADER_ONLY
#include "server/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "server/base/clock.hpp"
#include "server/base/text.hpp"

namespace tutti::log {
namespace {
std::atomic<Level> g_level{Level::Warning};

// spdlog's default logger prints to stdout, so it is never used.
spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_pattern("%v");
    spdlog::logger made("tutti", std::move(sink));
    made.set_level(spdlog::level::trace);
    made.flush_on(spdlog::level::trace);
    return made;
  }();
  return instance;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Info: return "info";
    case Level::Warning: return "warning";
    case Level::Error: return "error";
    case Level::Off: return "off";
  }
  return "off";
}

spdlog::level::level_enum spdlogLevel(Level level) {
  switch (level) {
    case Level::Debug: return spdlog::level::debug;
    case Level::Info: return spdlog::level::info;
    case Level::Warning: return spdlog::level::warn;
    default: return spdlog::level::err;
  }
}
}  // namespace

void configure(Level level) { g_level.store(level, std::memory_order_relaxed); }

bool parseLevel(std::string_view word, Level& level) {
  for (const Level candidate :
       {Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Off}) {
    if (word != name(candidate)) continue;
    level = candidate;
    return true;
  }
  return false;
}

bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  std::string line = "{\"time\":\"" + isoTimestamp(Clock::system().now()) + "\",\"level\":\"";
  line.append(name(level)).append("\",\"message\":");
  appendJsonString(line, message);
  for (const Field& field : fields) {
    line.push_back(',');
    appendJsonString(line, field.key);
    line.push_back(':');
    if (field.quoted) {
      appendJsonString(line, field.value);
    } else {
      line.append(field.value);
    }
  }
  line.push_back('}');
  logger().log(spdlogLevel(level), "{}", line);
}

}  // namespace tutti::log
