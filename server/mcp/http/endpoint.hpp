// The MCP path: POST for both eras, GET and DELETE for legacy sessions.
#pragma once

#include <cstddef>
#include <memory>

#include "server/mcp/http/message.hpp"
#include "server/mcp/http/sessions.hpp"
#include "server/mcp/server.hpp"

namespace tutti::mcp::http {

struct EndpointOptions {
  SessionLimits sessions;
  std::size_t session_replay_bytes_max =
      1024U * 1024;                                  ///< of events kept for a client to come back
  std::size_t replay_bytes_max = 64U * 1024 * 1024;  ///< the same, of all sessions
};

/// Runs on the I/O thread only. Host and Origin have been checked by the caller.
class Endpoint {
 public:
  Endpoint(Server& server, EndpointOptions options);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// Answers on `reply`, at once or later.
  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  /// Ends the standalone streams, so that a server can stop.
  void endStreams();
  /// Ends every session and cancels what is in flight.
  void close();
  std::size_t sessionCount() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tutti::mcp::http
