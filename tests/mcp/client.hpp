// A client on a byte stream, for tests that need what an earlier answer said.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "server/mcp/connection.hpp"
#include "tests/mcp/fixture_more.hpp"

namespace tutti::fixture {

/// A clock and its timers, turned by hand.
class HandClock final : public Clock, public mcp::Timers {
 public:
  WallTime now() const override { return now_; }
  std::shared_ptr<void> after(std::int64_t delay_ms, std::function<void()> callback) override {
    auto alarm = std::make_shared<Alarm>();
    alarm->due = now_ + std::chrono::milliseconds(delay_ms);
    alarm->callback = std::move(callback);
    alarms_.push_back(alarm);
    return alarm;
  }
  /// Runs what is due by then, in order.
  void pass(std::chrono::milliseconds time) {
    const WallTime until = now_ + time;
    while (const auto next = nextDue(until)) {
      now_ = next->due;
      next->callback();
    }
    now_ = until;
  }

 private:
  struct Alarm {
    WallTime due;
    std::function<void()> callback;
  };
  std::shared_ptr<Alarm> nextDue(WallTime until) {
    std::shared_ptr<Alarm> next;
    for (const auto& weak : alarms_)
      if (const auto alarm = weak.lock())
        if (alarm->due <= until && (!next || alarm->due < next->due)) next = alarm;
    std::erase_if(alarms_, [&](const auto& weak) { return weak.expired() || weak.lock() == next; });
    return next;
  }
  WallTime now_ = WallTime(std::chrono::seconds(1'800'000'000));
  std::deque<std::weak_ptr<Alarm>> alarms_;
};

/// Sends values and gives back what comes, in order.
class StreamClient {
 public:
  explicit StreamClient(mcp::Server& server, const std::string& agent_session_id = "")
      : inbox_(std::make_shared<Inbox>()),
        connection_(std::make_unique<mcp::Connection>(server, inbox_,
                                                      mcp::Connection::Client{agent_session_id})) {}

  void send(const Json& message) { connection_->receive(message.dump()); }
  /// The next frame; null when there is none. What is told of tasks is kept apart.
  Json next() {
    while (!inbox_->frames.empty()) {
      Json frame = Json::parse(inbox_->frames.front());
      inbox_->frames.pop_front();
      if (frame.value("method", "") != "notifications/tasks/status") return frame;
      task_states_.push_back(std::move(frame["params"]));
    }
    return nullptr;
  }
  /// What next() has come across since the last time: the params of notifications/tasks/status.
  std::vector<Json> takeTaskStates() { return std::exchange(task_states_, {}); }
  Json ask(const Json& message) {
    send(message);
    return next();
  }
  mcp::Connection& connection() { return *connection_; }
  void leave() { connection_.reset(); }

 private:
  struct Inbox final : mcp::Exchange {
    void notify(std::string frame) override { frames.push_back(std::move(frame)); }
    void reply(std::string frame, int) override { frames.push_back(std::move(frame)); }
    void abandon() override {}
    std::deque<std::string> frames;
  };
  std::vector<Json> task_states_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<mcp::Connection> connection_;
};

inline Json everyCapability() {
  return Json{{"elicitation", {{"form", Json::object()}, {"url", Json::object()}}},
              {"sampling", Json::object()},
              {"roots", Json::object()}};
}

/// And the extension for tasks beside it.
inline Json withTasks() {
  Json capabilities = everyCapability();
  capabilities["extensions"] = {{"io.modelcontextprotocol/tasks", Json::object()}};
  return capabilities;
}

/// A request of 2026-07-28 from a client that can do everything unless told otherwise.
inline Json modernCall(int id, const std::string& tool, Json more = Json::object(),
                       Json capabilities = everyCapability()) {
  more["name"] = tool;
  more["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                   {"io.modelcontextprotocol/clientCapabilities", std::move(capabilities)}};
  return Json{
      {"jsonrpc", "2.0"}, {"id", id}, {"method", "tools/call"}, {"params", std::move(more)}};
}

inline Json modernRequest(int id, const std::string& method, Json params = Json::object(),
                          Json capabilities = everyCapability()) {
  params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities", std::move(capabilities)}};
  return Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

inline Json legacyRequest(int id, const std::string& method, Json params = Json::object()) {
  return Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

inline Json legacyCall(int id, const std::string& tool, Json arguments = Json::object()) {
  return Json{{"jsonrpc", "2.0"},
              {"id", id},
              {"method", "tools/call"},
              {"params", {{"name", tool}, {"arguments", std::move(arguments)}}}};
}

inline Json hello(const std::string& revision, Json capabilities = everyCapability()) {
  return Json{{"jsonrpc", "2.0"},
              {"id", 0},
              {"method", "initialize"},
              {"params",
               {{"protocolVersion", revision},
                {"capabilities", std::move(capabilities)},
                {"clientInfo", {{"name", "test"}, {"version", "1"}}}}}};
}

inline Json accepted(const std::string& key, const std::string& value) {
  return Json{{"action", "accept"}, {"content", {{key, value}}}};
}

inline Json answerTo(const Json& asked, Json result) {
  return Json{{"jsonrpc", "2.0"}, {"id", asked.at("id")}, {"result", std::move(result)}};
}

}  // namespace tutti::fixture
