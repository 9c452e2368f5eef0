#include "server/mcp/modern.hpp"

#include <utility>

namespace tutti::mcp {

std::optional<WireError> makeModernRequest(rpc::Message&& message,
                                           std::shared_ptr<const Envelope> envelope,
                                           Request& request) {
  const auto revision = parseRevision(envelope->protocol_version);
  const auto bad_token = readProgressToken(message, request.context.progress_token);
  request.id = std::move(message.id);
  request.context.revision = Revision::k2026_07_28;
  if (!revision || !isModern(*revision)) return unsupportedVersion(envelope->protocol_version);
  if (bad_token) return bad_token;
  request.method = std::move(message.method);
  request.params = std::move(message.params);
  request.context.revision = *revision;
  request.context.caller.revision = envelope->protocol_version;
  request.context.caller.client_name = envelope->client_name;
  request.context.envelope = std::move(envelope);
  return std::nullopt;
}

}  // namespace tutti::mcp
