#include "server/transport/http_link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cerrno>
#include <chrono>
#include <deque>

#include "server/transport/tls.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::transport {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::error_code;

namespace {

constexpr std::size_t kBlockBytes = 16 * 1024;

class Link final : public HttpLink, public std::enable_shared_from_this<Link> {
 public:
  Link(asio::io_context& io, const HttpAddress& address, std::shared_ptr<TlsClientContext> tls)
      : address_(address), context_(std::move(tls)), resolver_(io), stream_(io) {}

  void open(std::int64_t max_ms, Done done) override {
    done_ = std::move(done);
    if (connected_)
      return asio::post(stream_.get_executor(), [self = held()] { self->finish(ok()); });
    limit(max_ms);
    resolver_.async_resolve(address_.host, address_.port,
                            [self = held()](error_code error, auto found) {
                              if (error) return self->fail("find", error);
                              self->connect(found);
                            });
  }

  void write(std::string bytes, std::int64_t max_ms, Done done) override {
    done_ = std::move(done);
    limit(max_ms);
    if (!tls_) {
      out_ = std::move(bytes);
    } else {
      out_.clear();
      for (std::string_view rest = bytes; !rest.empty();) {
        const std::size_t taken = tls_->seal(rest, out_);
        if (taken == 0) break;
        rest.remove_prefix(taken);
      }
    }
    flush([this] { finish(ok()); });
  }

  void read(std::int64_t max_ms, Received received) override {
    received_ = std::move(received);
    limit(max_ms);
    readOn();
  }

  void close() override {
    closed_ = true;
    done_ = nullptr;
    received_ = nullptr;
    resolver_.cancel();
    stream_.close();
  }

  /// Nothing has come, and the other side has not closed it.
  bool quiet() {
    char byte = 0;
    const ssize_t size =
        ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return connected_ && !closed_ && size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

 private:
  /// For the handler of an operation. Should it never run, as when the loop is gone, what waits for
  /// the operation is let go of, for that holds on to this link.
  std::shared_ptr<Link> held() {
    ++under_way_;
    return {this, [strong = shared_from_this()](Link* link) {
              if (--link->under_way_ > 0) return;
              const auto done = std::exchange(link->done_, nullptr);
              const auto received = std::exchange(link->received_, nullptr);
            }};
  }

  void limit(std::int64_t max_ms) {
    if (max_ms > 0)
      stream_.expires_after(std::chrono::milliseconds(max_ms));
    else
      stream_.expires_never();
  }

  void connect(const tcp::resolver::results_type& found) {
    if (closed_) return;
    stream_.async_connect(found, [self = held()](error_code error, const auto&) {
      if (error) return self->fail("connect to", error);
      error_code ignored;
      self->stream_.socket().set_option(tcp::no_delay(true), ignored);
      self->connected_ = true;
      if (!self->context_) return self->finish(ok());
      self->tls_ = self->context_->connect(self->address_.host);
      self->shakeHands();
    });
  }

  void shakeHands() {
    if (closed_) return;
    out_.clear();
    tls_->seal({}, out_);
    flush([this] {
      if (tls_->failed()) return failTls();
      if (tls_->established()) return finish(ok());
      receive([this](error_code error, std::size_t size) {
        if (error) return fail("agree on TLS with", error);
        tls_->received({block_.data(), size});
        shakeHands();
      });
    });
  }

  /// Sends out_, then goes on.
  void flush(std::function<void()> then) {
    if (out_.empty()) return then();
    asio::async_write(stream_, asio::buffer(out_),
                      [self = held(), then = std::move(then)](error_code error, auto) {
                        if (self->closed_) return;
                        if (error) return self->fail("send to", error);
                        then();
                      });
  }

  void receive(std::function<void(error_code, std::size_t)> then) {
    stream_.async_read_some(asio::buffer(block_), [self = held(), then = std::move(then)](
                                                      error_code error, std::size_t size) {
      if (!self->closed_) then(error, size);
    });
  }

  void readOn() {
    if (tls_) {
      const std::size_t size = tls_->read(plain_);
      if (size > 0) return tellSoon({plain_.data(), size});
      if (tls_->failed())
        return asio::post(stream_.get_executor(), [self = held()] { self->failTls(); });
      if (tls_->ended()) return tellSoon({});
    }
    receive([this](error_code error, std::size_t size) {
      if (error == asio::error::eof && !tls_) return tell(std::string_view());
      if (error) return fail("get an answer of", error);
      if (!tls_) return tell(std::string_view(block_.data(), size));
      tls_->received({block_.data(), size});
      readOn();
    });
  }

  void tellSoon(std::string_view bytes) {
    asio::post(stream_.get_executor(), [self = held(), bytes] { self->tell(bytes); });
  }
  void tell(Result<std::string_view> bytes) {
    if (const auto take = std::exchange(received_, nullptr)) take(std::move(bytes));
  }
  void finish(Status status) {
    if (const auto take = std::exchange(done_, nullptr)) take(std::move(status));
  }
  void failTls() {
    if (closed_) return;
    failWith(Error(Code::Unavailable,
                   "no TLS connection to " + address_.origin() + ": " + tls_->problem(),
                   "a server with a certificate of its own needs tutti.ca_file in its entry")
                 .named("tls_failed"));
  }
  void fail(const char* doing, error_code error) {
    if (closed_) return;
    std::string why = error.message();
    if (error == beast::error::timeout) why = "no answer in time";
    if (error == asio::error::eof) why = "it closed the connection";
    failWith(Error(Code::Unavailable,
                   std::string("cannot ") + doing + " " + address_.origin() + ": " + why,
                   "is the server running there?")
                 .named("http_unreachable"));
  }
  void failWith(const Error& error) {
    connected_ = false;
    if (received_) return tell(error);
    finish(error);
  }

  const HttpAddress address_;
  const std::shared_ptr<TlsClientContext> context_;  // null: plain
  tcp::resolver resolver_;
  beast::tcp_stream stream_;
  std::unique_ptr<TlsSession> tls_;
  std::array<char, kBlockBytes> block_{};
  std::array<char, kBlockBytes> plain_{};
  std::string out_;
  Done done_;
  Received received_;
  int under_way_ = 0;  ///< operations whose handlers are there
  bool connected_ = false;
  bool closed_ = false;
};

class Links final : public HttpLinks, public std::enable_shared_from_this<Links> {
 public:
  Links(asio::io_context& io, HttpAddress address, Options options,
        std::shared_ptr<TlsClientContext> tls)
      : io_(io),
        address_(std::move(address)),
        options_(std::move(options)),
        tls_(std::move(tls)),
        tidy_(io, [this] { tidy(); }) {}
  ~Links() override {
    for (const Idle& each : idle_) each.link->close();
  }

  const HttpAddress& address() const override { return address_; }

  std::shared_ptr<HttpLink> take() override {
    tidy();
    while (!idle_.empty()) {
      const auto link = std::move(idle_.back().link);  // the one used last
      idle_.pop_back();
      if (link->quiet()) return link;
      link->close();
    }
    return std::make_shared<Link>(io_, address_, tls_);
  }

  void keep(std::shared_ptr<HttpLink> link) override {
    auto ours = std::static_pointer_cast<Link>(std::move(link));
    if (idle_.size() >= options_.idle_max) return ours->close();
    idle_.push_back({std::move(ours), steadyMs() + options_.idle_ms});
    tidy_.at(idle_.front().until_ms);
  }

 private:
  struct Idle {
    std::shared_ptr<Link> link;
    std::int64_t until_ms;
  };

  void tidy() {
    const std::int64_t now = steadyMs();
    while (!idle_.empty() && idle_.front().until_ms <= now) {
      idle_.front().link->close();
      idle_.pop_front();
    }
    if (!idle_.empty()) tidy_.at(idle_.front().until_ms);
  }

  asio::io_context& io_;
  const HttpAddress address_;
  const Options options_;
  const std::shared_ptr<TlsClientContext> tls_;
  std::deque<Idle> idle_;  // in the order of their ends
  Wakeup tidy_;
};

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

Error badUrl(std::string_view url, const char* what) {
  return Error(Code::InvalidArgument, "'" + std::string(url) + "' " + what,
               "write http://host:port/path or https://host/path");
}

}  // namespace

Result<HttpAddress> HttpAddress::parse(std::string_view url) {
  HttpAddress address;
  const std::string start = lowered(std::string(url.substr(0, 8)));
  address.tls = start == "https://";
  if (!address.tls && !start.starts_with("http://")) return badUrl(url, "is no http URL");
  if (address.tls) address.port = "443";
  std::string_view rest = url.substr(address.tls ? 8 : 7);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
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
  if (port != (tls ? "443" : "80")) text += ":" + port;
  return text;
}

std::string HttpAddress::origin() const {
  return (tls ? "https://" : "http://") + hostHeader();
}

Result<std::shared_ptr<HttpLinks>> HttpLinks::create(asio::io_context& io, HttpAddress address,
                                                     Options options) {
  std::shared_ptr<TlsClientContext> tls = options.tls;
  if (address.tls && !tls) {
    auto loaded = TlsClientContext::load(options.ca_file);
    if (!loaded.ok()) return std::move(loaded).error();
    tls = std::move(*loaded);
  }
  return std::shared_ptr<HttpLinks>(
      std::make_shared<Links>(io, std::move(address), std::move(options), std::move(tls)));
}

}  // namespace tutti::transport
