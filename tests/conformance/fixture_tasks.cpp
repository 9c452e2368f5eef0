// Tools whose calls become tasks.
#include <utility>

#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {
namespace {

using Call = std::shared_ptr<mcp::ToolCall>;

constexpr mcp::TaskOptions kOptions{.ttl_ms = 300'000, .poll_ms = 200};

void greet(const Call& call) {
  call->finish(textOutput("Hello, " + json::stringOr(call->arguments(), "name", "") + "!"));
}

void compute(mcp::Timers& timers, const Call& call) {
  call->detach(kOptions);
  const double seconds = json::numberOr(call->arguments(), "seconds", 0);
  const std::string label = json::stringOr(call->arguments(), "label", "");
  runLater(timers, *call, static_cast<std::int64_t>(seconds * 1000),
           [call, label] { call->finish(textOutput("Computed " + label)); });
}

void failLater(mcp::Timers& timers, const Call& call) {
  call->detach(kOptions);
  runLater(timers, *call, 1000,
           [call] { call->finish(Error(Code::Internal, "the job failed, as it always does")); });
}

void refuseLater(mcp::Timers& timers, const Call& call) {
  call->detach(kOptions);
  runLater(timers, *call, 200,
           [call] { call->refuse(Error(Code::Internal, "the job broke the protocol")); });
}

mcp::InputRequest yesOrNo(const std::string& key, const std::string& message) {
  Json schema{{"type", "object"},
              {"properties", {{"confirm", {{"type", "boolean"}}}}},
              {"required", Json::array({"confirm"})}};
  return {key, mcp::InputRequest::Method::Elicit,
          Json{{"message", message}, {"requestedSchema", std::move(schema)}}};
}

void confirmDelete(const Call& call) {
  call->detach(kOptions);
  const std::string file = json::stringOr(call->arguments(), "filename", "");
  const Json* answer = call->answer("confirm");
  if (answer == nullptr) return call->needInput({{yesOrNo("confirm", "Delete " + file + "?")}, ""});
  const Json content = answer->value("content", Json::object());
  const bool yes = content.is_object() && json::booleanOr(content, "confirm", false);
  call->finish(textOutput((yes ? "Deleted " : "Kept ") + file));
}

void askTwo(const Call& call) {
  call->detach(kOptions);
  std::vector<mcp::InputRequest> open;
  if (call->answer("name") == nullptr) open.push_back(form("name", "What is your name?", "name"));
  if (call->answer("confirm") == nullptr) open.push_back(yesOrNo("confirm", "Go on?"));
  if (!open.empty()) return call->needInput({std::move(open), ""});
  call->finish(textOutput("Hello, " + formText(*call, "name", "name").value_or("nobody")));
}

/// The client is asked before there is a task.
void askThenWork(mcp::Timers& timers, const Call& call) {
  const auto name = formText(*call, "user_name", "name");
  if (!name) return call->needInput({{form("user_name", "What is your name?", "name")}, ""});
  call->detach(kOptions);
  runLater(timers, *call, 100,
           [call, name = *name] { call->finish(textOutput("Worked for " + name)); });
}

}  // namespace

void addTasks(mcp::Server& server, mcp::Timers& timers) {
  const auto add = [&](const char* name, mcp::TaskSupport support, mcp::ToolHandler handler,
                       const char* schema = R"({"type":"object"})") {
    mcp::Tool tool;
    tool.name = name;
    tool.description = "A tool whose calls become tasks.";
    tool.input_schema = schema;
    tool.task_support = support;
    must(server.addTool(std::move(tool), std::move(handler)));
  };
  using enum mcp::TaskSupport;
  const auto timed = [&timers](void (*handler)(mcp::Timers&, const Call&)) {
    return [&timers, handler](const Call& call) { handler(timers, call); };
  };
  add("greet", Forbidden, greet,
      R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})");
  add("slow_compute", Optional, timed(compute),
      R"({"type":"object","properties":{"seconds":{"type":"number"},"label":{"type":"string"}}})");
  add("failing_job", Required, timed(failLater));
  add("protocol_error_job", Optional, timed(refuseLater));
  add("confirm_delete", Optional, confirmDelete,
      R"({"type":"object","properties":{"filename":{"type":"string"}}})");
  add("multi_input", Optional, askTwo);
  add("test_tool_with_task", Required, timed(askThenWork));
}

}  // namespace tutti::conformance
