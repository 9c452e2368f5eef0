#include "server/mcp/log_level.hpp"

#include "server/base/text.hpp"
#include "server/mcp/json_members.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {

std::string logFrame(LogLevel level, std::string_view logger, const Json& data) {
  std::string params = "{\"level\":";
  appendJsonString(params, logLevelName(level));
  appendTextMember(params, "logger", logger);
  appendJsonMember(params, "data", json::dump(data));
  params += '}';
  return rpc::notificationFrame("notifications/message", params);
}

}  // namespace tutti::mcp
