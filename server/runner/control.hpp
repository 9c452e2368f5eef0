// The control socket of a run-host: one JSON object a line, both ways.
//
//   to the host    {"cmd":"turn","run_id":…}  {"cmd":"stop","grace_ms":…}  {"cmd":"interrupt"}
//                  {"cmd":"approve","request_id":…,"behavior":"allow"|"deny","message":…}
//   from the host  {"hello":{"session_id","generation","pid","run_id"|null}}   once, first
//                  {"spool":{"run_id","bytes"}}     the run's spool has grown to so many bytes
//                  {"outcome":{"run_id"}}           outcome.json is on disk
//                  {"ack":{"cmd","run_id"?,"ok",…}} one for each command; "error" and "error_name"
//                  when not ok
//                  {"exit":{"status","reason"}}     the host ends; exit.json is on disk
//
// A turn whose run_id the host knows is acknowledged and not run again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::runner {

/// The "error_name" of a command that is refused because the host is about to end.
inline constexpr std::string_view kHostEnding = "host_ending";

/// A server's connection to one run-host. Runs on the I/O thread.
class HostLink {
 public:
  struct Handlers {
    std::function<void(const Json&)> message;  ///< each object from the host, hello included
    std::function<void()> closed;              ///< once: the host has gone or the link broke
  };

  /// Connects to hosts/<session>/<generation>/control.sock of any path length. Errors: Unavailable
  /// when nobody listens there. `handlers` are called later, never from within connect().
  static Result<std::unique_ptr<HostLink>> connect(boost::asio::io_context& io,
                                                   const std::filesystem::path& host_folder,
                                                   Handlers handlers);
  ~HostLink();  ///< closes; no handler is called any more

  /// Queues one command. Bounded: a host that does not read is cut off (closed is called).
  void send(const Json& command);

 private:
  struct Impl;
  explicit HostLink(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::runner
