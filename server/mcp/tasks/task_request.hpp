// A tasks/… request while the store is asked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/mcp/exchange.hpp"
#include "server/mcp/request.hpp"

namespace tutti::mcp {

/// Answered once, or cancelled. Whoever will answer keeps it.
class TaskRequest final : public Pending {
 public:
  explicit TaskRequest(Request request) : request_(std::move(request)) {}
  ~TaskRequest() override {
    fail();
    if (request_.peer) request_.peer->release();
  }
  TaskRequest(const TaskRequest&) = delete;
  TaskRequest& operator=(const TaskRequest&) = delete;

  /// Makes it known to those who may cancel it.
  static std::shared_ptr<TaskRequest> begin(Request& request, std::shared_ptr<Pending>& pending) {
    auto made = std::make_shared<TaskRequest>(std::move(request));
    if (made->request_.peer) made->request_.peer->add(made->request_.id, made);
    pending = made;
    return made;
  }

  const Request& request() const { return request_; }
  bool ended() const { return ended_; }
  void result(std::string_view body) {
    if (end()) request_.result(body);
    leave();
  }
  void error(const WireError& error) {
    if (end()) request_.error(error);
    leave();
  }
  /// A whole frame.
  void frame(std::string text) {
    if (end()) request_.exchange->reply(std::move(text), 200);
    leave();
  }
  void cancel() override {
    if (end()) request_.exchange->abandon();
    leave();
    if (const auto callback = std::exchange(cancelled_, nullptr)) callback();
  }
  void fail() override { error(internalError()); }
  void onCancelled(std::function<void()> callback) { cancelled_ = std::move(callback); }

 private:
  bool end() { return !std::exchange(ended_, true); }
  void leave() {
    if (!std::exchange(left_, true) && request_.peer) request_.peer->remove(request_.id);
  }

  const Request request_;
  std::function<void()> cancelled_;
  bool ended_ = false;
  bool left_ = false;
};

}  // namespace tutti::mcp
