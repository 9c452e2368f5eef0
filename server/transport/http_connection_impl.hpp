// The state of one HTTP client; its behaviour is in http_connection.cpp, and for requests of
// services in http_connection_call.cpp.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/transport/http_buffers.hpp"
#include "server/transport/http_connection.hpp"
#include "server/transport/http_service_call.hpp"
#include "server/transport/tls.hpp"

namespace tutti::transport {

inline constexpr std::size_t kReadBytesMax = 64U * 1024;
inline constexpr std::size_t kSealedReadBytes = 16U * 1024;
/// Answers not yet taken by the client: above the first no further request is read, above the
/// second a stream that nobody reads is given up.
inline constexpr std::size_t kOutputPauseBytes = 1024U * 1024;
inline constexpr std::size_t kOutputBytesMax = 64U * 1024 * 1024;
/// Of an answer that a service makes while it is taken.
inline constexpr std::size_t kPulledBytesMax = 256U * 1024;
inline constexpr std::size_t kPullBytes = 64U * 1024;
inline constexpr std::chrono::microseconds kTurnMax{100};
inline constexpr std::int64_t kKeepAliveS = 15;
inline constexpr std::int64_t kLingerMaxS = 5;        ///< without a byte
inline constexpr std::int64_t kLingerTotalMaxS = 30;  ///< with them
inline constexpr std::int64_t kWriteStallMaxS = 60;

class Connection final : public HttpConnection {
 public:
  Connection(boost::asio::io_context& io, Fd socket, ConnectionOwner& owner,
             const ConnectionLimits& limits, std::unique_ptr<TlsSession> tls, std::int64_t now_s)
      : socket_(io),
        owner_(&owner),
        limits_(limits),
        reader_(limits.reader, &owner.routes()),
        tls_(std::move(tls)),
        now_s_(now_s) {
    boost::system::error_code ignored;
    // The family only says how addresses look, and none is ever asked for.
    socket_.assign(boost::asio::generic::stream_protocol(AF_UNSPEC, 0), socket.release(), ignored);
    socket_.native_non_blocking(true, ignored);
    activity_s_ = opened_s_ = now_s;
  }

  void start() override { read(); }
  void tick(std::int64_t now_s) override;
  void drain() override;
  void abort() override {
    owner_ = nullptr;
    const auto gone = std::exchange(gone_, nullptr);
    close();
    if (gone) gone();
  }

  // The answer to the current request; `serial` says which one the caller means.
  bool current(std::uint64_t serial) const { return !closed_ && busy_ && serial == serial_; }
  void respond(const mcp::http::HttpResponse& response, std::string_view before = {},
               std::string_view behind = {});
  void openStream(std::string_view extra_headers);
  void event(const mcp::http::ServerEvent& event);
  void endStream();
  void onGone(std::function<void()> callback);
  /// The service has done something to the current request.
  void callChanged() {
    if (!processing_) process();
  }

 private:
  std::shared_ptr<Connection> self() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }
  std::size_t unsent() const { return out_.unsent() + wire_.unsent(); }
  /// What goes to the socket: the answers themselves, or their sealed form.
  OutputBuffer& wire() { return tls_ ? wire_ : out_; }

  void read();
  bool unseal(std::size_t size);
  void seal();
  void onRead(boost::system::error_code ec, std::size_t size);
  void onEof();
  void process();
  bool step();
  void begin();
  void nextRequest();
  bool moreWaits() const { return call_ != nullptr || !in_.empty(); }
  void nextTurn();
  bool full() const { return unsent() >= (call_ ? kPulledBytesMax : kOutputPauseBytes); }

  // Requests of services, in http_connection_call.cpp.
  void beginCall();
  bool stepCall();
  bool takeBody();
  void answerCall(const HttpAnswer& answer);
  bool pullAnswer();
  void tickCall();
  void clientLeftCall();

  void dropBody();
  void refuse(int status, std::string_view text);
  void completeAnswer();
  void streamBytes(std::string_view bytes);
  void flush();
  void flushOutside() {
    if (!processing_) flush();
  }
  void waitWritable();
  void finishClosing();
  void probe();
  void lost();
  void close();

  using Socket = boost::asio::generic::stream_protocol::socket;

  Socket socket_;
  ConnectionOwner* owner_;
  const ConnectionLimits limits_;
  HttpReader reader_;
  InputBuffer in_{kReadBytesMax};
  OutputBuffer out_;
  const std::unique_ptr<TlsSession> tls_;  // null: plain
  std::vector<char> sealed_in_;
  OutputBuffer wire_;

  std::uint64_t serial_ = 0;  // of the current request
  std::function<void()> gone_;
  std::string origin_;
  std::shared_ptr<ServiceCall> call_;  // null: the current request is MCP's
  bool body_open_ = false;             // and not all of its body has come
  bool busy_ = false;                  // an answer is due
  bool streaming_ = false;             // its head is out, as an event stream
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool http11_ = true;

  bool processing_ = false;
  bool yielded_ = false;  // its turn is over, and the next one is queued
  bool reading_ = false;
  bool waiting_writable_ = false;
  bool closing_ = false;    // after what is due is written
  bool lingering_ = false;  // written; what still comes in is discarded
  bool eof_ = false;
  bool closed_ = false;

  std::int64_t now_s_;
  std::int64_t opened_s_ = 0;
  std::int64_t activity_s_ = 0;  // last read, or last answer
  std::int64_t lingers_since_s_ = 0;
  std::int64_t request_s_ = 0;  // first byte of the current request
  std::int64_t output_s_ = 0;   // last time the client took something
};

}  // namespace tutti::transport
