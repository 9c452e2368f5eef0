// The HTTP+SSE transport of 2024-11-05, which later revisions replaced: a GET opens the stream that
// carries everything to the client, its first event says where to POST, and a POST is answered 202.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "server/mcp/http/message.hpp"
#include "server/mcp/server.hpp"

namespace tutti::mcp::http {

struct SseOptions {
  std::string path = "/sse";  ///< of the GET; POSTs go to the same path with the session's id
  std::size_t sessions_max = 1024;
};

/// A session lives as long as its stream. Runs on the I/O thread only. Host, Origin and token have
/// been checked by the caller.
class SseEndpoint {
 public:
  SseEndpoint(Server& server, SseOptions options);
  ~SseEndpoint();
  SseEndpoint(const SseEndpoint&) = delete;
  SseEndpoint& operator=(const SseEndpoint&) = delete;

  const std::string& path() const;
  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply);
  /// Ends every session with its stream, and cancels what is in flight.
  void endAll();
  std::size_t sessionCount() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tutti::mcp::http
