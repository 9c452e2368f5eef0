// One client on a byte stream: both eras side by side, decided message by message.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/mcp/exchange.hpp"
#include "server/mcp/server.hpp"

namespace tutti::mcp {

class Peer;

/// Reads messages and answers them on `pipe`. A message with a protocol version in its `_meta` is
/// modern and stateless; any other belongs to the legacy state that `initialize` sets. Runs on the
/// I/O thread only; `pipe` may be called during receive() or later.
class Connection {
 public:
  /// Who is at the other end, as far as the transport knows.
  struct Client {
    std::string agent_session_id = {};
    std::string credential = {};  ///< see Caller::credential
  };

  Connection(Server& server, std::shared_ptr<Exchange> pipe, Client client);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One message or batch, without its newline.
  void receive(std::string_view text);
  /// A message was longer than the transport takes and has been skipped.
  void receiveOversized(std::size_t line_bytes_max);

  /// Is no answer owed?
  bool idle() const;
  /// `callback` runs each time the last answer owed has been handed to the pipe.
  void onIdle(std::function<void()> callback);
  /// The client says nothing more, not even answers to what it was asked; it may still read.
  void inputEnded();
  /// `callback` runs once when the client does not answer pings; what was in flight is cancelled by
  /// then. See ServerOptions::ping_every_s.
  void onLost(std::function<void()> callback);
  /// The client is gone: cancels what is in flight.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tutti::mcp
