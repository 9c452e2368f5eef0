// The rungs a POST climbs before any method runs: each has its own refusal, the first that fails
// wins.
#pragma once

#include <memory>
#include <optional>

#include "server/mcp/envelope.hpp"
#include "server/mcp/error_map.hpp"
#include "server/mcp/http/message.hpp"
#include "server/rpc/message.hpp"

namespace tutti::mcp::http {

/// A refusal with its id, ready for the wire.
struct HttpRefusal {
  rpc::Id id;
  WireError error;
};

/// Checks what needs no body: contradictory headers (400), Content-Type (415), Accept (406).
std::optional<HttpRefusal> checkPostHeaders(const HttpRequest& request);
/// A GET must be able to take an event stream (406).
std::optional<HttpRefusal> checkGetHeaders(const HttpRequest& request);

/// What a POST turned out to be.
struct Classified {
  enum class Kind { Refused, Legacy, LegacyBatch, LegacyInitialize, Modern, ModernNotification };
  Kind kind = Kind::Refused;
  HttpRefusal refusal;
  std::shared_ptr<const Envelope> envelope;  ///< of a modern request
};

/// Decides the era from the body; the headers are only held against it.
Classified classify(const HttpRequest& request, const rpc::Decoded& decoded,
                    EnvelopeReader& envelopes);

}  // namespace tutti::mcp::http
