// `params._meta`: what a modern request says about itself, and what every era may put there.
#pragma once

#include <memory>
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

/// What a modern request declares. Requests that declare the same share one.
struct Envelope {
  std::string protocol_version;
  std::string client_name;            ///< for display only; may be empty
  std::optional<LogLevel> log_level;  ///< absent: no log records for this request
  Json client_capabilities;           ///< an object
};

/// Does the message claim the modern era, that is, has its `_meta` a protocol version of any type?
bool claimsModern(const rpc::Message& message);

/// Reads envelopes, and an equal one only once.
class EnvelopeReader {
 public:
  /// The envelope of a message that claims the modern era or was sent as modern. Errors: -32602,
  /// status 400, naming the key that is missing or wrong.
  std::optional<WireError> read(const rpc::Message& message,
                                std::shared_ptr<const Envelope>& envelope);

 private:
  std::shared_ptr<const Json> meta_;
  std::shared_ptr<const Envelope> envelope_;
};

/// `_meta.progressToken` as JSON text, empty when there is none. Errors: -32602 when it is neither
/// a string nor an integer.
std::optional<WireError> readProgressToken(const rpc::Message& message, std::string& token);

}  // namespace tutti::mcp
