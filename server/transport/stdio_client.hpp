// The pipes of a child that is an MCP server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "server/base/fd.hpp"
#include "server/mcp/client/channel.hpp"

namespace boost::asio {
class io_context;
}
namespace tutti::mcp::client {
class Client;
}

namespace tutti::transport {

struct StdioClientOptions {
  std::size_t line_bytes_max = 16U * 1024 * 1024;    ///< a longer message is skipped
  std::size_t output_bytes_max = 32U * 1024 * 1024;  ///< unread by the server; then it is given up
  std::size_t input_bytes_per_s_max = 32U * 1024 * 1024;  ///< above it the server has to wait
};

/// One message a line, in both directions. Runs on the I/O thread only. Outlives its client, as
/// every channel does; stop() cuts them apart.
class StdioClient final : public mcp::client::Channel {
 public:
  /// `from_server` and `to_server` are our ends of two pipes that nobody else shares.
  StdioClient(boost::asio::io_context& io, Fd from_server, Fd to_server,
              StdioClientOptions options);
  ~StdioClient() override;

  /// Begins to read for `client`.
  void start(mcp::client::Client& client);
  /// Closes the server's input, which asks it to leave. What was sent before is still delivered if
  /// it reads on.
  void closeInput();
  /// The client hears nothing any more.
  void stop();

  void send(mcp::client::Outgoing message) override;
  void withdraw(const rpc::Id& id) override;
  bool withdrawalCancels() const override { return false; }
  void established() override {}
  std::int64_t nowMs() const override;
  void wakeAt(std::int64_t at_ms) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::transport
