// Turns the answer to one POST into a JSON body or, once something precedes it, an event stream.
#pragma once

#include <memory>
#include <string>

#include "server/mcp/exchange.hpp"
#include "server/mcp/http/message.hpp"
#include "server/mcp/peer.hpp"

namespace tutti::mcp::http {

/// Plain JSON unless notify() comes first.
class HttpExchange final : public Exchange {
 public:
  explicit HttpExchange(std::shared_ptr<HttpReply> reply) : reply_(std::move(reply)) {}

  /// The answer carries this session id if `peer` has settled a revision by then.
  void announceSession(std::string session_id, std::shared_ptr<Peer> peer) {
    session_id_ = std::move(session_id);
    new_peer_ = std::move(peer);
  }

  void notify(std::string frame) override;
  void reply(std::string frame, int http_status) override;
  void replyParts(const FrameParts& parts) override;
  void abandon() override;

 private:
  std::string extraHeaders() const;

  std::shared_ptr<HttpReply> reply_;
  std::string session_id_;
  std::shared_ptr<Peer> new_peer_;
  bool streaming_ = false;
};

}  // namespace tutti::mcp::http
