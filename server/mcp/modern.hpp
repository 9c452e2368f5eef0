// Turns a message of the stateless era into a request.
#pragma once

#include <memory>
#include <optional>

#include "server/mcp/envelope.hpp"
#include "server/mcp/request.hpp"

namespace tutti::mcp {

/// Fills `request` from a message whose envelope has been read. Errors: -32022 when the envelope's
/// version is not served that way, -32602 for a bad progress token.
std::optional<WireError> makeModernRequest(rpc::Message&& message,
                                           std::shared_ptr<const Envelope> envelope,
                                           Request& request);

}  // namespace tutti::mcp
