// An MCP server on stdin and stdout, for every revision: one tool, one resource, one prompt.
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "server/mcp/server.hpp"
#include "server/transport/transport.hpp"

using namespace tutti;

int main() {
  boost::asio::io_context io{1};
  mcp::ServerOptions options;
  options.name = "sums";
  options.version = "1.0";
  mcp::Server server(options);

  mcp::Tool add{.name = "add", .title = "Add", .description = "Adds two numbers."};
  add.input_schema = R"({"type":"object","required":["a","b"],
      "properties":{"a":{"type":"number"},"b":{"type":"number"}}})";
  add.output_schema = R"({"type":"object","properties":{"sum":{"type":"number"}}})";
  add.annotations = {.read_only = true, .idempotent = true};
  Status added = server.addTool(add, [](const std::shared_ptr<mcp::ToolCall>& call) {
    const double sum =
        json::numberOr(call->arguments(), "a", 0) + json::numberOr(call->arguments(), "b", 0);
    call->finish(mcp::ToolOutput{Json::object({{"sum", sum}}), {}});
  });
  if (!added.ok()) return 1;

  added = server.addResource({.uri = "sums://about", .name = "about", .mime_type = "text/plain"},
                             [](const std::shared_ptr<mcp::ResourceRead>& read) {
                               mcp::ResourceOutput output;
                               output.contents.push_back({read->uri(), "text/plain", "Sums.", {}});
                               read->finish(std::move(output));
                             });
  if (!added.ok()) return 1;

  transport::StdioServer stdio(io, server, {}, [&io] { io.stop(); });
  stdio.start();
  io.run();
}
