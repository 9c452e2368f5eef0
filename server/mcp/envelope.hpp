// `params._meta`: what a modern request says about itself, and what every era may put there.
#pragma once

#include <optional>
#include <string>

#include "server/mcp/error_map.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::mcp {

inline constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";

/// What a modern request declares. Nothing of it outlives the request.
struct Envelope {
  std::string protocol_version;
  std::string client_name;            ///< for display only; may be empty
  std::optional<LogLevel> log_level;  ///< absent: no log records for this request
  Json client_capabilities;           ///< an object
};

/// Does the message claim the modern era, that is, has its `_meta` a protocol version of any type?
bool claimsModern(const rpc::Message& message);

/// Reads the envelope of a message that claims the modern era or was sent as modern. Errors:
/// -32602, status 400, naming the key that is missing or wrong.
std::optional<WireError> readEnvelope(const rpc::Message& message, Envelope& envelope);

/// `_meta.progressToken` as JSON text, empty when there is none. Errors: -32602 when it is neither
/// a string nor an integer.
std::optional<WireError> readProgressToken(const rpc::Message& message, std::string& token);

}  // namespace tutti::mcp
