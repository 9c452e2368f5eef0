// What the client needs of a transport: a way to the server, a clock, and to be woken.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/rpc/message.hpp"

namespace tutti::mcp::client {

/// One message on its way to the server, with what HTTP says about it in headers.
struct Outgoing {
  rpc::Message::Kind kind = rpc::Message::Kind::Request;
  rpc::Id id;            ///< of a request
  std::string text;      ///< the message itself, one line
  std::string method;    ///< empty for a response
  std::string name;      ///< the tool, prompt or URI that the request is about; may be empty
  std::string revision;  ///< empty while none is settled
  bool modern = false;
  /// Arguments that the tool wants repeated as headers: name behind "Mcp-Param-", value as it is.
  std::vector<std::pair<std::string, std::string>> header_params;
};

/// A connection to one server as the client sees it. Implemented by transports; runs on the I/O
/// thread. What arrives is given to Client::receive() and its neighbours, never from within a call
/// to the channel.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual void send(Outgoing message) = 0;
  /// No answer to that request is wanted any more.
  virtual void withdraw(const rpc::Id& id) = 0;
  /// Is withdraw() itself how a server of 2026-07-28 learns of a cancellation (as on HTTP)?
  virtual bool withdrawalCancels() const = 0;
  /// A legacy handshake is over: HTTP now opens the stream for what belongs to no request.
  virtual void established() = 0;

  /// Milliseconds of a clock that only goes forward.
  virtual std::int64_t nowMs() const = 0;
  /// Client::tick() is to be called at that time; replaces the time given before.
  virtual void wakeAt(std::int64_t at_ms) = 0;
};

}  // namespace tutti::mcp::client
