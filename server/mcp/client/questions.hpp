// The two ways in which a server asks: by a request of its own, or within an answer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/mcp/client/state.hpp"

namespace tutti::mcp::client {

/// What both have in common: one answer, and the way to be taken back.
class AnyQuestion : public Question {
 public:
  AnyQuestion(std::weak_ptr<Client::State> state, Method method, Json params, Ticket cause)
      : state_(std::move(state)), method_(method), params_(std::move(params)), cause_(cause) {}

  Method method() const override { return method_; }
  const Json& params() const override { return params_; }
  Ticket cause() const override { return cause_; }
  void answer(Json result) override {
    if (!settle()) return;
    if (const auto state = state_.lock()) deliver(*state, std::move(result));
  }
  void refuse(const Error& error) override {
    if (!settle()) return;
    if (const auto state = state_.lock()) deliverRefusal(*state, error);
  }
  void onWithdrawn(std::function<void()> callback) override {
    if (withdrawn_) return callback();
    if (!settled_) callback_ = std::move(callback);
  }
  /// The server wants no answer any more, or is gone.
  void withdraw() {
    if (!settle()) return;
    withdrawn_ = true;
    if (const auto callback = std::exchange(callback_, nullptr)) callback();
  }
  bool settled() const { return settled_; }

 protected:
  virtual void deliver(Client::State& state, Json result) = 0;
  virtual void deliverRefusal(Client::State& state, const Error& error) = 0;
  virtual void released(Client::State& state) = 0;

 private:
  /// True the first time.
  bool settle() {
    if (std::exchange(settled_, true)) return false;
    if (const auto state = state_.lock()) released(*state);
    return true;
  }

  const std::weak_ptr<Client::State> state_;
  const Method method_;
  const Json params_;
  const Ticket cause_;
  std::function<void()> callback_;
  bool settled_ = false;
  bool withdrawn_ = false;
};

/// A request of a legacy server.
class ServerQuestion final : public AnyQuestion {
 public:
  ServerQuestion(std::weak_ptr<Client::State> state, Method method, Json params, Ticket cause,
                 rpc::Id id)
      : AnyQuestion(std::move(state), method, std::move(params), cause), id_(std::move(id)) {}
  ~ServerQuestion() override { refuse(Error(Code::Unavailable, "nobody here can answer that")); }

 private:
  void deliver(Client::State& state, Json result) override;
  void deliverRefusal(Client::State& state, const Error& error) override;
  void released(Client::State& state) override;

  const rpc::Id id_;
};

/// One entry of inputRequests in the answer of a modern server.
class RoundQuestion final : public AnyQuestion {
 public:
  RoundQuestion(std::weak_ptr<Client::State> state, Method method, Json params, Ticket ticket,
                std::string key)
      : AnyQuestion(std::move(state), method, std::move(params), ticket), key_(std::move(key)) {}
  ~RoundQuestion() override { refuse(Error(Code::Unavailable, "nobody here can answer that")); }

 private:
  void deliver(Client::State& state, Json result) override {
    state.roundAnswered(cause(), key_, std::move(result));
  }
  void deliverRefusal(Client::State& state, const Error& error) override {
    state.roundRefused(cause(), error);
  }
  void released(Client::State& state) override { --state.open_questions; }

  const std::string key_;
};

}  // namespace tutti::mcp::client
