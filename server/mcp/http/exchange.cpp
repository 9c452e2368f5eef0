#include "server/mcp/http/exchange.hpp"

namespace tutti::mcp::http {

std::string HttpExchange::extraHeaders() const {
  if (!new_peer_ || !new_peer_->negotiated) return {};
  return "Mcp-Session-Id: " + session_id_ + "\r\n";
}

void HttpExchange::notify(std::string frame) {
  if (!streaming_) reply_->openStream(extraHeaders());
  streaming_ = true;
  reply_->event({.data = frame});
}

void HttpExchange::reply(std::string frame, int http_status) {
  if (!streaming_) {
    const std::string extra = extraHeaders();
    return reply_->respond({http_status, "application/json", frame, extra});
  }
  reply_->event({.data = frame});
  reply_->endStream();
}

void HttpExchange::replyParts(const FrameParts& parts) {
  if (streaming_) return reply(parts.joined(), 200);
  const std::string extra = extraHeaders();
  reply_->respondAround({200, "application/json", parts.body, extra}, parts.head, parts.tail);
}

void HttpExchange::abandon() {
  // A stream without a response is the one answer that says "nothing will come".
  if (!streaming_) reply_->openStream({});
  streaming_ = true;
  reply_->endStream();
}

}  // namespace tutti::mcp::http
