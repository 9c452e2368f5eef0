// bench_mcp_server stdio|http: the protocol core with an echo tool and nothing else.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "server/transport/transport.hpp"
#include "tests/mcp/fixture.hpp"

int main(int argc, char** argv) {
  using namespace tutti;
  const std::string_view mode = argc > 1 ? argv[1] : "";
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context io{1};
  mcp::Server server(fixture::options());
  fixture::Held held;
  fixture::addTools(server, held);
  if (mode == "stdio") {
    transport::StdioServer stdio(io, server, {}, [&io] { io.stop(); });
    stdio.start();
    io.run();
    return 0;
  }
  if (mode != "http") {
    std::fputs("usage: bench_mcp_server stdio|http [PORT]\n", stderr);
    return 2;
  }
  transport::HttpOptions options;
  options.port = static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0);
  transport::HttpServer http(io, server, options);
  const auto started = http.start();
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", started.error().text().c_str());
    return 1;
  }
  std::printf("%d\n", http.port());
  std::fflush(stdout);
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) { http.drain([&io] { io.stop(); }); });
  io.run();
}
