#include "server/transport/http_request.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

namespace tutti::transport {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using beast::error_code;

namespace {

constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kBlockBytes = 16 * 1024;

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

std::string mediaType(std::string text) {
  text.erase(std::min(text.find(';'), text.size()));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return lowered(std::move(text));
}

class Request final : public HttpRequest, public std::enable_shared_from_this<Request> {
 public:
  Request(asio::io_context& io, HttpAddress address, HttpCall call, HttpTold told)
      : address_(std::move(address)),
        call_(std::move(call)),
        told_(std::move(told)),
        resolver_(io),
        stream_(io) {
    parser_.header_limit(kHeaderBytesMax);
    parser_.body_limit(boost::none);
  }

  void run() {
    stream_.expires_after(std::chrono::milliseconds(call_.connect_max_ms));
    resolver_.async_resolve(address_.host, address_.port,
                            [self = shared_from_this()](error_code error, auto found) {
                              if (error) return self->fail("find", error);
                              self->connect(found);
                            });
  }

  void abort() override {
    ended_ = true;
    told_ = {};
    resolver_.cancel();
    stream_.close();
  }

 private:
  void connect(const tcp::resolver::results_type& found) {
    if (ended_) return;
    stream_.async_connect(found, [self = shared_from_this()](error_code error, const auto&) {
      if (error) return self->fail("connect to", error);
      self->send();
    });
  }

  void send() {
    if (ended_) return;
    error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    request_.method_string(call_.method);
    request_.target(address_.target);
    request_.version(11);
    for (const auto& [name, value] : call_.headers) request_.set(name, value);
    request_.set(http::field::host, address_.hostHeader());
    request_.set(http::field::connection, "close");
    request_.body() = std::move(call_.body);
    if (!request_.body().empty()) request_.prepare_payload();
    http::async_write(stream_, request_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error) return self->fail("send to", error);
                        self->readHead();
                      });
  }

  void readHead() {
    if (ended_) return;
    if (call_.answer_max_ms > 0)
      stream_.expires_after(std::chrono::milliseconds(call_.answer_max_ms));
    else
      stream_.expires_never();
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (error) return self->fail("get an answer of", error);
                              self->tellHead();
                            });
  }

  void tellHead() {
    if (ended_) return;
    stream_.expires_never();
    const auto& head = parser_.get();
    const auto text = [&head](beast::string_view name) { return std::string(head[name]); };
    HttpTold::Head seen;
    seen.status = head.result_int();
    seen.content_type = mediaType(text("Content-Type"));
    seen.session_id = text("Mcp-Session-Id");
    seen.retry_after = text("Retry-After");
    if (told_.on_head) told_.on_head(seen);
    readBody();
  }

  void readBody() {
    if (ended_) return;
    if (parser_.is_done()) return end(ok());
    parser_.get().body().data = block_.data();
    parser_.get().body().size = block_.size();
    http::async_read_some(
        stream_, buffer_, parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->takeBody(error); });
  }

  void takeBody(error_code error) {
    if (ended_) return;
    const std::size_t got = block_.size() - parser_.get().body().size;
    if (got > 0 && told_.on_body) {
      const auto tell = told_.on_body;  // it may abort us
      tell({block_.data(), got});
    }
    if (error && error != http::error::need_buffer) return fail("read the answer of", error);
    readBody();
  }

  void fail(const char* doing, error_code error) {
    if (ended_) return;
    std::string why = error.message();
    if (error == beast::error::timeout) why = "no answer in time";
    end(Error(Code::Unavailable,
              std::string("cannot ") + doing + " http://" + address_.hostHeader() + ": " + why,
              "is the server running there?")
            .named("http_unreachable"));
  }

  void end(Status status) {
    if (std::exchange(ended_, true)) return;
    stream_.close();
    const auto tell = std::exchange(told_, {}).on_end;
    if (tell) tell(std::move(status));
  }

  const HttpAddress address_;
  HttpCall call_;
  HttpTold told_;
  tcp::resolver resolver_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::buffer_body> parser_;
  std::array<char, kBlockBytes> block_{};
  bool ended_ = false;
};

Error badUrl(std::string_view url, const char* what) {
  return Error(Code::InvalidArgument, "'" + std::string(url) + "' " + what,
               "write http://host:port/path");
}

}  // namespace

Result<HttpAddress> HttpAddress::parse(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const std::string start = lowered(std::string(url.substr(0, 8)));
  if (start == "https://")
    return Error(Code::FailedPrecondition, "https is not supported yet",
                 "put a proxy that ends TLS on this machine in between")
        .named("tls_not_supported");
  if (!start.starts_with(kScheme)) return badUrl(url, "is no http URL");
  std::string_view rest = url.substr(kScheme.size());
  rest = rest.substr(0, rest.find('#'));
  const std::size_t slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
  HttpAddress address;
  if (slash != rest.npos) address.target = std::string(rest.substr(slash));
  if (address.target.front() == '?') address.target.insert(0, "/");
  if (authority.find('@') != authority.npos)
    return badUrl("http://…@…", "has a name or password in it; give those as headers");
  const bool bracketed = authority.starts_with('[');
  const std::size_t close = authority.find(']');
  if (bracketed && close == authority.npos) return badUrl(url, "has an open bracket");
  const std::size_t colon = authority.find(':', bracketed ? close : 0);
  address.host =
      std::string(bracketed ? authority.substr(1, close - 1) : authority.substr(0, colon));
  if (colon != authority.npos) address.port = std::string(authority.substr(colon + 1));
  const bool digits = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || !digits || address.port.size() > 5)
    return badUrl(url, "has no valid host and port");
  if (url.find_first_of(" \r\n\t") != url.npos) return badUrl(url, "has spaces in it");
  return address;
}

std::string HttpAddress::hostHeader() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != "80") text += ":" + port;
  return text;
}

std::shared_ptr<HttpRequest> HttpRequest::start(asio::io_context& io, const HttpAddress& address,
                                                HttpCall call, HttpTold told) {
  auto request = std::make_shared<Request>(io, address, std::move(call), std::move(told));
  request->run();
  return request;
}

}  // namespace tutti::transport
