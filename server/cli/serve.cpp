// The two commands that serve MCP.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/cli/application.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/print.hpp"
#include "server/transport/transport.hpp"

namespace tutti::cli {
namespace {

std::string healthText() {
  static const auto began = std::chrono::steady_clock::now();
  const auto up =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
  return R"({"status":"healthy","name":"tutti","version":")" TUTTI_VERSION R"(","uptime_s":)" +
         std::to_string(up.count()) + "}";
}

std::string placeOf(const HttpSettings& http, std::uint16_t port) {
  const std::string scheme = http.tls_certificate.empty() ? "http" : "https";
  if (!http.socket_path.empty()) return scheme + "+unix://" + http.socket_path + " (path /mcp)";
  const bool v6 = http.host.find(':') != std::string::npos;
  return scheme + "://" + (v6 ? "[" + http.host + "]" : http.host) + ":" + std::to_string(port) +
         "/mcp";
}

}  // namespace

int runStdio(const Settings& settings) {
  auto application = Application::open(settings);
  if (!application.ok()) return printError(application.error());
  Application& app = **application;
  if (::isatty(STDIN_FILENO) != 0)
    std::fputs(
        "tutti stdio speaks MCP: one JSON-RPC message a line. It is meant to be started by "
        "an MCP client; Ctrl-D ends it.\n",
        stderr);
  transport::StdioOptions options;
  options.agent_session_id = fromEnvironment("TUTTI_SESSION_ID");
  transport::StdioServer stdio(app.io(), app.server(), options, [&app] { app.leave(); });
  app.onSignal([&app] { app.leave(); });
  stdio.start();
  app.indexDocuments();
  app.run();
  return 0;
}

int runServe(const Settings& settings, const HttpSettings& http) {
  auto application = Application::open(settings);
  if (!application.ok()) return printError(application.error());
  Application& app = **application;
  auto token = bearerToken(http);
  if (!token.ok()) return printError(token.error());
  transport::HttpOptions options;
  options.socket_path = http.socket_path;
  options.token = std::move(*token);
  options.tls_certificate = http.tls_certificate;
  options.tls_key = http.tls_key;
  if (http.http_sse) options.sse_path = "/sse";
  options.host = http.host;
  options.port = http.port;
  options.allowed_hosts = http.allowed_hosts;
  options.allowed_origins = http.allowed_origins;
  options.health = healthText;
  transport::HttpServer server(app.io(), app.server(), std::move(options));
  if (Status started = server.start(); !started.ok()) return printError(started.error());
  if (http.beyondThisMachine() && http.no_token)
    log::warning("listening beyond this machine without authentication", {{"host", http.host}});
  // Whoever learns from us where we listen may end us at once.
  app.onSignal([&app, &server] { server.drain([&app] { app.leave(); }); });
  if (!http.port_file.empty()) {
    const Status written = replaceFile(http.port_file, std::to_string(server.port()) + "\n");
    if (!written.ok()) return printError(written.error());
  }
  app.indexDocuments();
  std::fprintf(stderr, "tutti serves MCP at %s\n", placeOf(http, server.port()).c_str());
  app.run();
  return 0;
}

}  // namespace tutti::cli
