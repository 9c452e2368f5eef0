// Calls one tool of an MCP server over HTTP, whatever revision it speaks:
//   client http://127.0.0.1:8765/mcp list_blueprints '{}'
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/mcp/client/client.hpp"
#include "server/transport/http_client.hpp"

using namespace tutti;
namespace client = mcp::client;

struct OneCall : client::Events {
  void onReady() override {
    one->call(request, {}, [this](Result<client::Reply> reply) {
      std::puts(reply.ok() ? reply->text.c_str() : reply.error().text().c_str());
      status = reply.ok() ? 0 : 1;
      io.stop();
    });
  }
  void onLost(const Error& error) override {
    std::puts(error.text().c_str());
    io.stop();
  }
  boost::asio::io_context io{1};
  client::Client* one = nullptr;
  client::ToolRequest request;
  int status = 1;
};

int main(int argc, char** argv) {
  if (argc < 3) return std::puts("usage: client URL TOOL [JSON]"), 2;
  OneCall call;
  auto arguments = json::parse(argc > 3 ? argv[3] : "{}");
  auto http = transport::HttpClient::create(call.io, {.url = argv[1], .headers = {}});
  if (!arguments.ok() || !http.ok()) return std::puts("no JSON, or no URL"), 2;
  call.request = {argv[2], *arguments};
  client::Client one(**http, {}, call);
  call.one = &one;
  (*http)->start(one);
  one.start();
  call.io.run();
  (*http)->stop();
  return call.status;
}
