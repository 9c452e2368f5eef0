// Collects the answers to one batch, so that they go out as one array.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "server/mcp/exchange.hpp"

namespace tutti::mcp {

/// Hands one frame to `inner` once `expected` answers have come or been given up. Notifications go
/// straight through: an array holds responses only.
class BatchExchange final : public Exchange {
 public:
  BatchExchange(std::shared_ptr<Exchange> inner, std::size_t expected)
      : inner_(std::move(inner)), left_(expected) {}

  void notify(std::string frame) override { inner_->notify(std::move(frame)); }
  void reply(std::string frame, int /*http_status*/) override {
    frames_ += frames_.empty() ? '[' : ',';
    frames_ += frame;
    countDown();
  }
  void abandon() override { countDown(); }

 private:
  void countDown() {
    if (--left_ != 0) return;
    if (frames_.empty()) return inner_->abandon();
    frames_ += ']';
    inner_->reply(std::move(frames_), 200);
  }

  std::shared_ptr<Exchange> inner_;
  std::size_t left_;
  std::string frames_;
};

}  // namespace tutti::mcp
