// The server that protocol tests and benches talk to: four tools that behave, wait, fail and lie.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/mcp/server.hpp"

namespace tutti::fixture {

/// Calls of `slow` that wait for the test to let them go.
struct Held {
  std::vector<std::shared_ptr<mcp::ToolCall>> calls;
  int cancelled = 0;

  /// Finishes the oldest one with {"done":true}.
  void finishOne() {
    if (calls.empty()) return;
    const auto call = calls.front();
    calls.erase(calls.begin());
    call->finish(mcp::ToolOutput{Json{{"done", true}}, ""});
  }
};

inline void echo(const std::shared_ptr<mcp::ToolCall>& call) {
  Json output = Json::object();
  output["text"] = call->arguments().at("text");
  call->finish(mcp::ToolOutput{std::move(output), ""});
}

inline mcp::Tool echoTool() {
  return {"echo",
          "Echo",
          "Gives back its text.",
          R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"],)"
          R"("additionalProperties":false})",
          R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"]})",
          {.read_only = true, .idempotent = true}};
}

/// `slow`: reports progress 1 and 2 and a log record, then waits for Held::finishOne() unless
/// `steps_only` is set, which ends it at once.
inline void slow(const std::shared_ptr<mcp::ToolCall>& call, Held& held) {
  call->progress(1, 3, "one");
  call->progress(1, 3, "not larger: dropped");
  call->log(mcp::LogLevel::Info, "slow", Json("started"));
  call->log(mcp::LogLevel::Debug, "slow", Json("details"));
  call->progress(2, 3, "two");
  if (call->arguments().contains("steps_only")) {
    call->finish(mcp::ToolOutput{Json{{"done", true}}, ""});
    call->progress(3, 3, "after the end: dropped");
    return;
  }
  std::weak_ptr<mcp::ToolCall> weak = call;
  call->onCancelled([&held, weak] {
    ++held.cancelled;
    const auto gone = weak.lock();
    std::erase(held.calls, gone);
  });
  held.calls.push_back(call);
}

inline void fail(const std::shared_ptr<mcp::ToolCall>& call) {
  const std::string how = call->arguments().value("how", "error");
  if (how == "throw") throw std::runtime_error("a handler that throws");
  if (how == "drop") return;
  call->finish(Error(Code::NotFound, "nothing is called 'x'", "look elsewhere")
                   .named("unknown_x")
                   .withDetails(R"({"looked_for":"x"})"));
}

inline void lie(const std::shared_ptr<mcp::ToolCall>& call) {
  call->finish(mcp::ToolOutput{Json{{"count", "many"}}, ""});
}

inline void blob(const std::shared_ptr<mcp::ToolCall>& call) {
  const auto size = call->arguments().at("size").get<std::size_t>();
  call->finish(mcp::ToolOutput{nullptr, std::string(size, 'x')});
}

inline void whoAmI(const std::shared_ptr<mcp::ToolCall>& call) {
  const mcp::Caller& caller = call->caller();
  call->finish(mcp::ToolOutput{Json{{"revision", caller.revision},
                                    {"client", caller.client_name},
                                    {"agent_session_id", caller.agent_session_id},
                                    {"over_http", caller.over_http}},
                               ""});
}

/// Adds all fixture tools in a fixed order. `held` must outlive the server's calls.
inline void addTools(mcp::Server& server, Held& held) {
  const auto must = [](const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.error().text());
  };
  must(server.addTool(echoTool(), echo));
  must(server.addTool({"slow",
                       "Slow",
                       "Waits, with progress.",
                       R"({"type":"object"})",
                       R"({"type":"object","required":["done"]})",
                       {}},
                      [&held](std::shared_ptr<mcp::ToolCall> call) { slow(call, held); }));
  must(server.addTool({"fail", "", "Fails in the way asked for.", R"({"type":"object"})", "", {}},
                      fail));
  must(server.addTool({"lie",
                       "",
                       "Breaks its output schema.",
                       R"({"type":"object"})",
                       R"({"type":"object","properties":{"count":{"type":"integer"}}})",
                       {}},
                      lie));
  must(server.addTool({"blob",
                       "",
                       "Text of a given size.",
                       R"({"type":"object","properties":{"size":{"type":"integer"}}})",
                       "",
                       {}},
                      blob));
  must(server.addTool({"whoami", "", "Who calls.", R"({"type":"object"})", "", {}}, whoAmI));
}

inline mcp::ServerOptions options() {
  mcp::ServerOptions options;
  options.name = "fixture";
  options.version = "1.0";
  options.instructions = "Use echo.";
  return options;
}

}  // namespace tutti::fixture
