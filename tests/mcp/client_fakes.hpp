// What a client is given where there is neither a transport nor an owner.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/mcp/client/client.hpp"

namespace tutti::mcp::client {

/// Keeps what is sent, and the time.
struct FakeChannel final : Channel {
  void send(Outgoing message) override { sent.push_back(std::move(message)); }
  void withdraw(const rpc::Id& id) override { withdrawn.push_back(id); }
  bool withdrawalCancels() const override { return over_http; }
  void established() override { ++established_count; }
  std::int64_t nowMs() const override { return now_ms; }
  void wakeAt(std::int64_t at_ms) override { wake_ms = at_ms; }

  std::deque<Outgoing> sent;
  std::vector<rpc::Id> withdrawn;
  bool over_http = false;
  int established_count = 0;
  std::int64_t now_ms = 1'000;
  std::int64_t wake_ms = 0;
};

struct Told final : Events {
  void onReady() override { ++ready; }
  void onLost(const Error& error) override { lost.push_back(error); }
  void onAsked(std::shared_ptr<Question> question) override {
    questions.push_back(std::move(question));
  }
  void onListChanged(ListKind kind) override { changed.push_back(kind); }
  void onResourceUpdated(const std::string& uri) override { updated.push_back(uri); }
  void onElicitationComplete(const std::string& id) override { visited.push_back(id); }
  void onLog(const LogRecord& record) override { logs.push_back(record); }

  int ready = 0;
  std::vector<Error> lost;
  std::vector<std::shared_ptr<Question>> questions;
  std::vector<ListKind> changed;
  std::vector<std::string> updated;
  std::vector<std::string> visited;
  std::vector<LogRecord> logs;
};

/// What requests ended with. A request may outlive it.
struct Ended {
  std::shared_ptr<std::vector<Result<Reply>>> kept = std::make_shared<std::vector<Result<Reply>>>();
  std::vector<Result<Reply>>& all = *kept;
  Done done() {
    return [into = kept](Result<Reply> reply) { into->push_back(std::move(reply)); };
  }
  const Error& error() const { return all.at(0).error(); }
  const Json& value() const { return all.at(0).value().value; }
};

inline Options allOptions() {
  Options options;
  options.sampling = options.elicit_form = options.elicit_url = options.roots = true;
  return options;
}

}  // namespace tutti::mcp::client
