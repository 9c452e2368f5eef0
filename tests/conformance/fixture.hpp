// What the official suite expects of a server, built on server/mcp: see README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "server/mcp/server.hpp"
#include "server/mcp/timers.hpp"

namespace tutti::conformance {

// Each in the file that is named for it. The simple tools come first, since the suite takes the
// first tool of the list for some of its probes.
void addSimpleTools(mcp::Server& server, mcp::Timers& timers);
void addPrompts(mcp::Server& server);
void addResources(mcp::Server& server);
void addSkills(mcp::Server& server);
void addTriggers(mcp::Server& server);
void addInput(mcp::Server& server, mcp::Timers& timers);
void addTasks(mcp::Server& server, mcp::Timers& timers);

/// A question by a form with one text field.
mcp::InputRequest form(const std::string& key, const std::string& message,
                       const std::string& field);
/// What the user wrote there; nothing for a question that is unanswered, declined or answered with
/// something else.
std::optional<std::string> formText(const mcp::RequestContext& call, const std::string& key,
                                    const std::string& field);

/// A picture of one pixel and a sound of no length, in base64.
inline constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg==";
inline constexpr const char* kWav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

inline void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().text());
}

inline void addTool(mcp::Server& server, const char* name, const char* description,
                    mcp::ToolHandler handler, std::string schema = R"({"type":"object"})") {
  mcp::Tool tool;
  tool.name = name;
  tool.description = description;
  tool.input_schema = std::move(schema);
  must(server.addTool(std::move(tool), std::move(handler)));
}

/// Runs `step` after that time unless the call is cancelled before. `step` keeps the call.
inline void runLater(mcp::Timers& timers, mcp::RequestContext& call, std::int64_t delay_ms,
                     std::function<void()> step) {
  const auto timer = std::make_shared<std::shared_ptr<void>>();
  *timer = timers.after(delay_ms, [timer, step = std::move(step)] {
    *timer = nullptr;
    step();
  });
  call.onCancelled([timer] { *timer = nullptr; });
}

inline mcp::ToolOutput textOutput(std::string text) {
  return mcp::ToolOutput{nullptr, std::move(text)};
}

inline mcp::ResourceContents textContents(std::string uri, std::string mime_type,
                                          std::string text) {
  mcp::ResourceContents contents;
  contents.uri = std::move(uri);
  contents.mime_type = std::move(mime_type);
  contents.text = std::move(text);
  return contents;
}

}  // namespace tutti::conformance
