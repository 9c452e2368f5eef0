#include "server/transport/http_request.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/ostream.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <sstream>

#include "server/transport/wakeup.hpp"

namespace tutti::transport {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

namespace {

constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;

std::string mediaType(std::string text) {
  text.erase(std::min(text.find(';'), text.size()));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

class Request final : public HttpRequest, public std::enable_shared_from_this<Request> {
 public:
  Request(asio::io_context& io, std::shared_ptr<HttpLinks> links, HttpCall call, HttpTold told)
      : links_(std::move(links)),
        call_(std::move(call)),
        told_(std::move(told)),
        link_(links_->take()),
        late_(io, [this] { abort(); }) {
    expectHead();
  }

  void run() {
    link_->open(call_.connect_max_ms, [self = shared_from_this()](const Status& opened) {
      if (!opened.ok()) return self->end(opened);
      self->send();
    });
  }

  void abort() override {
    ended_ = true;
    told_ = {};
    late_.stop();
    link_->close();
  }

  void leave() override {
    constexpr std::int64_t kLeaveMaxMs = 1'000;
    if (ended_) return;
    told_ = {};
    leaving_ = true;
    late_.at(steadyMs() + kLeaveMaxMs);
  }

 private:
  void send() {
    if (ended_) return;
    const HttpAddress& address = links_->address();
    http::request<http::string_body> request;
    request.method_string(call_.method);
    request.target(call_.target.empty() ? address.target : call_.target);
    request.version(11);
    for (const auto& [name, value] : call_.headers) request.set(name, value);
    request.set(http::field::host, address.hostHeader());
    request.body() = std::move(call_.body);
    if (!request.body().empty()) request.prepare_payload();
    std::ostringstream text;
    text << request;
    link_->write(std::move(text).str(), call_.connect_max_ms,
                 [self = shared_from_this()](const Status& sent) {
                   if (!sent.ok()) return self->end(sent);
                   self->read();
                 });
  }

  void expectHead() {
    parser_.emplace();
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(boost::none);
  }

  void read() {
    if (ended_) return;
    const std::int64_t max_ms = parser_->is_header_done() ? 0 : call_.answer_max_ms;
    link_->read(max_ms, [self = shared_from_this()](Result<std::string_view> bytes) {
      if (self->ended_) return;
      if (!bytes.ok()) return self->end(std::move(bytes).error());
      if (bytes->empty()) return self->finishAtEof();
      self->take(*bytes);
    });
  }

  void take(std::string_view bytes) {
    constexpr std::size_t kLeftBytesMax = 256 * 1024;
    left_bytes_ += leaving_ ? bytes.size() : 0;
    if (left_bytes_ > kLeftBytesMax) return abort();
    const auto room = buffer_.prepare(bytes.size());
    buffer_.commit(asio::buffer_copy(room, asio::buffer(bytes.data(), bytes.size())));
    parse();
  }

  void parse() {
    while (!ended_) {
      const bool had_head = parser_->is_header_done();
      auto& body = parser_->get().body();
      body.data = block_.data();
      body.size = block_.size();
      error_code error;
      const std::size_t used = parser_->put(buffer_.data(), error);
      buffer_.consume(used);
      const bool full = error == http::error::need_buffer;
      if (error && !full && error != http::error::need_more)
        return end(broken("its answer is no HTTP: " + error.message()));
      const bool has_head = !had_head && parser_->is_header_done();
      if (has_head && isInterim()) {
        skipInterim();
        continue;
      }
      if (has_head) tellHead();
      const std::size_t got = block_.size() - parser_->get().body().size;
      if (got > 0) tellBody({block_.data(), got});
      if (ended_) return;
      if (parser_->is_done()) return end(ok());
      if (used == 0 && !full) return read();
    }
  }

  bool isInterim() const { return parser_->get().result_int() / 100 == 1; }

  /// What is in the buffer behind it belongs to the next head.
  void skipInterim() {
    if (parser_->get().result() == http::status::switching_protocols)
      return end(broken("it changes the protocol (101), which it was not asked for"));
    if (++interim_ > call_.interim_max)
      return end(broken("it sends more than interim_max (" + std::to_string(call_.interim_max) +
                        ") interim answers"));
    expectHead();
  }

  void tellHead() {
    const auto& head = parser_->get();
    const auto text = [&head](beast::string_view name) { return std::string(head[name]); };
    HttpTold::Head seen;
    seen.status = head.result_int();
    seen.content_type = mediaType(text("Content-Type"));
    seen.session_id = text("Mcp-Session-Id");
    seen.retry_after = text("Retry-After");
    const auto tell = told_.on_head;  // it may abort us
    if (tell) tell(seen);
  }

  void tellBody(std::string_view bytes) {
    const auto tell = told_.on_body;  // it may abort us
    if (tell) tell(bytes);
  }

  void finishAtEof() {
    error_code error;
    at_eof_ = true;
    if (parser_->is_header_done()) parser_->put_eof(error);
    if (error || !parser_->is_done()) return end(broken("it closed the connection"));
    end(ok());
  }

  Error broken(const std::string& why) const {
    return Error(Code::Unavailable,
                 "cannot get an answer of " + links_->address().origin() + ": " + why,
                 "is the server running there?")
        .named("http_unreachable");
  }

  void end(Status status) {
    if (std::exchange(ended_, true)) return;
    late_.stop();
    if (status.ok() && !at_eof_ && parser_->keep_alive() && buffer_.size() == 0)
      links_->keep(link_);
    else
      link_->close();
    const auto tell = std::exchange(told_, {}).on_end;
    if (tell) tell(std::move(status));
  }

  const std::shared_ptr<HttpLinks> links_;
  HttpCall call_;
  HttpTold told_;
  const std::shared_ptr<HttpLink> link_;
  Wakeup late_;
  beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::buffer_body>> parser_;  // of one head and its body
  std::size_t interim_ = 0;
  std::array<char, kReadBytes> block_{};
  std::size_t left_bytes_ = 0;
  bool leaving_ = false;
  bool at_eof_ = false;
  bool ended_ = false;
};

}  // namespace

std::shared_ptr<HttpRequest> HttpRequest::start(asio::io_context& io,
                                                std::shared_ptr<HttpLinks> links, HttpCall call,
                                                HttpTold told) {
  auto request = std::make_shared<Request>(io, std::move(links), std::move(call), std::move(told));
  request->run();
  return request;
}

}  // namespace tutti::transport
