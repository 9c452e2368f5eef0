// bench_beast_echo [PORT]: the least that Beast and nlohmann can do: read a request, parse its
// body, build the answer of an echo call, dump it, write it. One coroutine per connection, one
// thread, no MCP.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Json = nlohmann::json;

std::string answer(const std::string& body) {
  const Json request = Json::parse(body);
  const Json& arguments = request.at("params").at("arguments");
  Json text = Json::object();
  text["type"] = "text";
  text["text"] = arguments.dump();
  Json result = Json::object();
  result["content"] = Json::array({text});
  result["structuredContent"] = arguments;
  Json reply = Json::object();
  reply["jsonrpc"] = "2.0";
  reply["id"] = request.at("id");
  reply["result"] = result;
  return reply.dump();
}

net::awaitable<void> serve(net::ip::tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer;
  try {
    for (;;) {
      http::request<http::string_body> request;
      co_await http::async_read(stream, buffer, request, net::use_awaitable);
      http::response<http::string_body> response(http::status::ok, request.version());
      response.set(http::field::content_type, "application/json");
      response.keep_alive(request.keep_alive());
      response.body() = answer(request.body());
      response.prepare_payload();
      co_await http::async_write(stream, response, net::use_awaitable);
      if (!response.keep_alive()) co_return;
    }
  } catch (const std::exception&) {
    // the client has gone
  }
}

net::awaitable<void> listen(net::ip::tcp::acceptor acceptor) {
  for (;;) {
    net::ip::tcp::socket socket = co_await acceptor.async_accept(net::use_awaitable);
    socket.set_option(net::ip::tcp::no_delay(true));
    net::co_spawn(acceptor.get_executor(), serve(std::move(socket)), net::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  net::io_context io{1};
  const auto port = static_cast<unsigned short>(argc > 1 ? std::atoi(argv[1]) : 0);
  net::ip::tcp::acceptor acceptor(io, {net::ip::make_address("127.0.0.1"), port});
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  net::co_spawn(io, listen(std::move(acceptor)), net::detached);
  io.run();
}
