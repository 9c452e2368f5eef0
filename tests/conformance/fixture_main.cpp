// conformance_fixture [PORT]: serves what the official suite asks for at /mcp and prints the port.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "server/mcp/tasks/memory_store.hpp"
#include "server/transport/timers.hpp"
#include "server/transport/transport.hpp"
#include "tests/conformance/fixture.hpp"

int main(int argc, char** argv) {
  using namespace tutti;
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context io{1};
  const auto timers = transport::makeTimers(io);
  mcp::ServerOptions options;
  options.name = "conformance-fixture";
  options.version = "1.0";
  options.timers = timers;
  options.task_store = std::make_shared<mcp::MemoryTaskStore>(mcp::MemoryTaskStore::Options{});
  mcp::Server server(std::move(options));
  conformance::addSimpleTools(server, *timers);
  conformance::addInput(server, *timers);
  conformance::addTasks(server, *timers);
  conformance::addTriggers(server);
  conformance::addPrompts(server);
  conformance::addResources(server);
  conformance::addSkills(server);

  transport::HttpOptions http_options;
  http_options.port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  transport::HttpServer http(io, server, http_options);
  if (const auto started = http.start(); !started.ok()) {
    std::fprintf(stderr, "%s\n", started.error().text().c_str());
    return 1;
  }
  std::printf("%d\n", http.port());
  std::fflush(stdout);
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) { http.drain([&io] { io.stop(); }); });
  io.run();
}
