#include "server/transport/timers.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace tutti::transport {
namespace {

namespace asio = boost::asio;

class AsioTimers final : public mcp::Timers {
 public:
  explicit AsioTimers(asio::io_context& io) : io_(io) {}

  std::shared_ptr<void> after(std::int64_t delay_ms, std::function<void()> callback) override {
    auto timer = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds(delay_ms));
    // A handle that is dropped after the time has come, but before the callback runs, stops it too.
    timer->async_wait([weak = std::weak_ptr<asio::steady_timer>(timer),
                       callback = std::move(callback)](boost::system::error_code ec) {
      if (!ec && !weak.expired()) callback();
    });
    return timer;
  }

 private:
  asio::io_context& io_;
};

}  // namespace

std::shared_ptr<mcp::Timers> makeTimers(asio::io_context& io) {
  return std::make_shared<AsioTimers>(io);
}

}  // namespace tutti::transport
