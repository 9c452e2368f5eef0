#include "server/toolhost/connection.hpp"

#include <fcntl.h>

#include <cerrno>

#include "server/base/file.hpp"
#include "server/toolhost/child_server.hpp"
#include "server/transport/http_client.hpp"
#include "server/transport/stdio_client.hpp"

namespace tutti::toolhost {
namespace {

class StdioConnection final : public Connection {
 public:
  StdioConnection(boost::asio::io_context& io, std::unique_ptr<ChildServer> child, Wanted& wanted,
                  mcp::client::Events& events)
      : child_(std::move(child)),
        channel_(io, child_->takeOutput(), child_->takeInput(), options(wanted.spec)),
        client_(channel_, std::move(wanted.client), events) {
    channel_.start(client_);
    client_.start();
  }
  ~StdioConnection() override { channel_.stop(); }

  mcp::client::Client& client() override { return client_; }
  int pid() const override { return child_->pid(); }

 private:
  static transport::StdioClientOptions options(const MountSpec& spec) {
    transport::StdioClientOptions options;
    options.line_bytes_max = spec.limits.message_bytes_max;
    return options;
  }

  std::unique_ptr<ChildServer> child_;
  transport::StdioClient channel_;
  mcp::client::Client client_;
};

Result<std::shared_ptr<Connection>> openStdio(boost::asio::io_context& io,
                                              Connection::Wanted& wanted,
                                              mcp::client::Events& events) {
  ChildSpec child;
  child.program = wanted.program;
  child.request.command = {wanted.spec.command};
  child.request.command.insert(child.request.command.end(), wanted.spec.arguments.begin(),
                               wanted.spec.arguments.end());
  child.request.folder = wanted.spec.folder;
  child.request.limits = wanted.spec.limits.process;
  child.environment = wanted.spec.environment;
  auto started = ChildServer::start(io, std::move(child),
                                    {std::move(wanted.on_stderr), std::move(wanted.on_exit)});
  if (!started.ok()) return std::move(started).error();
  return std::shared_ptr<Connection>(
      std::make_shared<StdioConnection>(io, std::move(*started), wanted, events));
}

/// To a copy that this or another process runs.
class SharedConnection final : public Connection {
 public:
  SharedConnection(boost::asio::io_context& io, Fd output, Wanted& wanted,
                   mcp::client::Events& events)
      : channel_(io, std::move(wanted.shared), std::move(output), options(wanted.spec)),
        client_(channel_, std::move(wanted.client), events) {
    channel_.start(client_);
    client_.start();
  }
  ~SharedConnection() override { channel_.stop(); }

  mcp::client::Client& client() override { return client_; }
  int pid() const override { return 0; }

 private:
  static transport::StdioClientOptions options(const MountSpec& spec) {
    transport::StdioClientOptions options;
    options.line_bytes_max = spec.limits.message_bytes_max;
    return options;
  }

  transport::StdioClient channel_;
  mcp::client::Client client_;
};

Result<std::shared_ptr<Connection>> openShared(boost::asio::io_context& io,
                                               Connection::Wanted& wanted,
                                               mcp::client::Events& events) {
  Fd output(::fcntl(wanted.shared.get(), F_DUPFD_CLOEXEC, 0));
  if (!output) return ioError(errno, "open", "a socket once more");
  return std::shared_ptr<Connection>(
      std::make_shared<SharedConnection>(io, std::move(output), wanted, events));
}

class HttpConnection final : public Connection {
 public:
  HttpConnection(std::unique_ptr<transport::HttpClient> channel, Wanted& wanted,
                 mcp::client::Events& events)
      : channel_(std::move(channel)), client_(*channel_, std::move(wanted.client), events) {
    channel_->start(client_);
    client_.start();
  }
  ~HttpConnection() override { channel_->stop(); }

  mcp::client::Client& client() override { return client_; }
  int pid() const override { return 0; }

 private:
  std::unique_ptr<transport::HttpClient> channel_;
  mcp::client::Client client_;
};

Result<std::shared_ptr<Connection>> openHttp(boost::asio::io_context& io,
                                             Connection::Wanted& wanted,
                                             mcp::client::Events& events) {
  transport::HttpClientOptions options;
  options.url = wanted.spec.url;
  options.headers = wanted.spec.headers;
  options.ca_file = wanted.spec.ca_file;
  options.old_sse = wanted.spec.old_sse;
  if (options.old_sse) wanted.client.era = mcp::client::Era::Legacy;
  options.message_bytes_max = wanted.spec.limits.message_bytes_max;
  auto channel = transport::HttpClient::create(io, std::move(options));
  if (!channel.ok()) return std::move(channel).error();
  return std::shared_ptr<Connection>(
      std::make_shared<HttpConnection>(std::move(*channel), wanted, events));
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(boost::asio::io_context& io, Wanted wanted,
                                                     mcp::client::Events& events) {
  wanted.client.message_bytes_max = wanted.spec.limits.message_bytes_max;
  if (wanted.shared) return openShared(io, wanted, events);
  if (wanted.spec.kind == MountSpec::Kind::Stdio) return openStdio(io, wanted, events);
  return openHttp(io, wanted, events);
}

}  // namespace tutti::toolhost
