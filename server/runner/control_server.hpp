// The host's end of the control socket: who is connected, what they say, what they are told.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/runner/loop.hpp"

namespace tutti::runner {

struct ControlLimits {
  std::size_t peers_max = 16;              ///< then the one silent for longest is cut off
  std::size_t command_bytes_max = 65'536;  ///< of one command; a peer that sends more is cut off
  std::size_t queue_bytes_max = 1U
                                << 20;  ///< unsent to one peer; one that does not read is cut off
};

/// Serves control.sock of the current folder. No peer, however slow or silent, holds up another.
class ControlServer {
 public:
  /// Answers one command; the returned object is sent to that peer alone.
  using Handler = std::function<Json(const Json& command)>;
  using Hello = std::function<Json()>;  ///< first message to each peer

  ControlServer(Loop& loop, Hello hello, Handler handler, ControlLimits limits = {});
  ~ControlServer();

  /// Binds and listens in the current folder. Errors: Internal.
  Status listen();
  void broadcast(const Json& message);
  /// Sends what is queued as far as peers take it at once, then closes all. For the host's end.
  void close();

 private:
  struct Peer;
  void acceptAll();
  void readFrom(Peer& peer);
  void obey(Peer& peer, std::string_view line);
  void queue(Peer& peer, const std::string& line);
  void flush(Peer& peer);
  void sweep();  ///< forgets the peers that were cut off

  Loop& loop_;
  const Hello hello_;
  const Handler handler_;
  const ControlLimits limits_;
  Fd listener_;
  std::unique_ptr<Loop::Watch> listener_watch_;
  std::list<std::unique_ptr<Peer>> peers_;
  std::uint64_t clock_ = 0;  ///< counts what peers say, to know who was silent for longest
};

}  // namespace tutti::runner
