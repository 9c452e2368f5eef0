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
#include "server/rest/documents_face.hpp"
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

std::string documentsHealthText() {
  return R"({"status":"healthy","service":"context-store"})";
}

std::string placeOf(const HttpSettings& http, std::uint16_t port, std::string_view path) {
  const std::string scheme = http.tls_certificate.empty() ? "http" : "https";
  const bool v6 = http.host.find(':') != std::string::npos;
  return scheme + "://" + (v6 ? "[" + http.host + "]" : http.host) + ":" + std::to_string(port) +
         std::string(path);
}

/// Where this process serves documents, as far as programs on this machine are concerned; "" when
/// that is a Unix socket. The ports are those in use.
std::string documentsPlaceOf(const HttpSettings& http, std::uint16_t main_port,
                             std::optional<std::uint16_t> documents_port) {
  if (!documents_port && !http.socket_path.empty()) return {};
  HttpSettings reached = http;
  if (http.host == "0.0.0.0") reached.host = "127.0.0.1";
  if (http.host == "::") reached.host = "::1";
  return placeOf(reached, documents_port.value_or(main_port), "");
}

std::string mcpPlaceOf(const HttpSettings& http, std::uint16_t port) {
  if (http.socket_path.empty()) return placeOf(http, port, "/mcp");
  const std::string scheme = http.tls_certificate.empty() ? "http" : "https";
  return scheme + "+unix://" + http.socket_path + " (path /mcp)";
}

/// What both servers are told alike.
transport::HttpOptions sharedOptions(const HttpSettings& http, const std::string& token) {
  transport::HttpOptions options;
  options.token = token;
  options.tls_certificate = http.tls_certificate;
  options.tls_key = http.tls_key;
  options.host = http.host;
  options.allowed_hosts = http.allowed_hosts;
  options.allowed_origins = http.allowed_origins;
  return options;
}

transport::HttpOptions mainOptions(const HttpSettings& http, const std::string& token) {
  transport::HttpOptions options = sharedOptions(http, token);
  options.socket_path = http.socket_path;
  options.port = http.port;
  options.health = healthText;
  if (http.http_sse) options.sse_path = "/sse";
  return options;
}

/// The context store on a port of its own, as AOF's.
transport::HttpOptions documentsOptions(const HttpSettings& http, const std::string& token) {
  transport::HttpOptions options = sharedOptions(http, token);
  options.port = *http.documents_port;
  options.health = documentsHealthText;
  return options;
}

Status writePort(const std::string& file, std::uint16_t port) {
  return file.empty() ? ok() : replaceFile(file, std::to_string(port) + "\n");
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
  app.onSignal([&app](int) { app.leave(); });
  stdio.start();
  app.indexDocuments();
  app.learnToRoute();
  app.run();
  return 0;
}

int runServe(const Settings& settings, const HttpSettings& http) {
  Settings told = settings;
  // Agents that are started here have a tutti of their own: it knows what can be known by now.
  if (told.public_url.empty() && http.port != 0 && http.documents_port != 0)
    told.public_url = documentsPlaceOf(http, http.port, http.documents_port);
  auto application = Application::open(told);
  if (!application.ok()) return printError(application.error());
  Application& app = **application;
  auto token = bearerToken(http);
  if (!token.ok()) return printError(token.error());
  rest::DocumentsFace documents(app.documents(), {settings.public_url, &app.search()});
  transport::HttpServer server(app.io(), app.server(), mainOptions(http, *token));
  documents.addTo(server);
  if (Status started = server.start(); !started.ok()) return printError(started.error());
  std::unique_ptr<transport::HttpServer> beside;  // null: no port of their own for documents
  if (http.documents_port) {
    beside = std::make_unique<transport::HttpServer>(app.io(), documentsOptions(http, *token));
    documents.addTo(*beside);
    if (Status started = beside->start(); !started.ok()) return printError(started.error());
  }
  if (http.beyondThisMachine() && http.no_token)
    log::warning("listening beyond this machine without authentication", {{"host", http.host}});
  // Whoever learns from us where we listen may end us at once.
  app.onSignal([&app, &server, &beside](int) {
    const auto leave = [&app] { app.leave(); };
    server.drain([&beside, leave] { beside ? beside->drain(leave) : leave(); });
  });
  Status written = writePort(http.port_file, server.port());
  if (beside && written.ok()) written = writePort(http.documents_port_file, beside->port());
  if (!written.ok()) return printError(written.error());
  if (settings.public_url.empty())
    app.documentsAt(documentsPlaceOf(http, server.port(),
                                     beside ? std::optional(beside->port()) : std::nullopt));
  app.indexDocuments();
  app.learnToRoute();
  std::fprintf(stderr, "tutti serves MCP at %s\n", mcpPlaceOf(http, server.port()).c_str());
  if (beside)
    std::fprintf(stderr, "tutti serves documents at %s\n",
                 placeOf(http, beside->port(), "/documents").c_str());
  app.run();
  return 0;
}

}  // namespace tutti::cli
