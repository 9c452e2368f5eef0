// One life of a mounted server: its process or its address, the channel to it, the client on that.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/base/fd.hpp"
#include "server/base/result.hpp"
#include "server/mcp/client/client.hpp"
#include "server/toolhost/config.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::toolhost {

class Connection {
 public:
  struct Wanted {
    const MountSpec& spec;
    const std::string& program;
    mcp::client::Options client;
    std::function<void(std::string line)> on_stderr;
    /// The process is gone, with its status. Over HTTP never.
    std::function<void(int status)> on_exit;
    Fd shared;  ///< a socket to a copy that runs already; empty: it is started
  };
  /// Errors: those of ChildServer::start() and of the HTTP client's address.
  static Result<std::shared_ptr<Connection>> open(boost::asio::io_context& io, Wanted wanted,
                                                  mcp::client::Events& events);
  virtual ~Connection() = default;
  virtual mcp::client::Client& client() = 0;
  /// Of the guard; 0: no process.
  virtual int pid() const = 0;
};

}  // namespace tutti::toolhost
