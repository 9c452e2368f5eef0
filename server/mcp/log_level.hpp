// MCP's eight log levels by name.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "server/mcp/request_context.hpp"

namespace tutti::mcp {

inline constexpr std::array<std::string_view, 8> kLogLevelNames = {
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};

constexpr std::string_view logLevelName(LogLevel level) {
  return kLogLevelNames[static_cast<std::size_t>(level)];
}

constexpr std::optional<LogLevel> parseLogLevel(std::string_view name) {
  for (std::size_t i = 0; i < kLogLevelNames.size(); ++i)
    if (kLogLevelNames[i] == name) return static_cast<LogLevel>(i);
  return std::nullopt;
}

/// notifications/message.
std::string logFrame(LogLevel level, std::string_view logger, const Json& data);

}  // namespace tutti::mcp
