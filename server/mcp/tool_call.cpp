// tools/call: from the request to the handler and back.
#include <algorithm>
#include <utility>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/tasks/task_repeat.hpp"
#include "server/mcp/tasks/task_run.hpp"
#include "server/mcp/under_way.hpp"

namespace tutti::mcp {
namespace {

class Call final : public UnderWay<ToolCall> {
 public:
  Call(Server::Impl& server, std::shared_ptr<const RegisteredTool> tool, Request&& request,
       Json&& arguments)
      : UnderWay(server, std::move(request)),
        tool_(std::move(tool)),
        arguments_(std::move(arguments)) {}
  ~Call() override { json::discard(std::move(arguments_)); }

  const Json& arguments() const override { return arguments_; }

  bool detach(const TaskOptions& options) override {
    if (flow_.inTask()) return true;
    const bool may = tool_->tool.task_support != TaskSupport::Forbidden;
    if (!may || !flow_.open() || !flow_.clientCan(ClientFeature::Tasks)) return false;
    flow_.detach(options, options.repeatable ? repeatText(flow_.request(), arguments_) : "");
    return true;
  }
  std::string_view taskId() const override { return flow_.taskId(); }
  bool repeated() const override { return flow_.repeated(); }

  void finish(Result<ToolOutput> result) override {
    if (!flow_.open()) return;
    std::string frame = flow_.resultHead();
    appendResult(frame, result);
    frame += '}';
    if (result.ok()) json::discard(std::move(result->structured));
    flow_.reply(std::move(frame));
  }

 private:
  void restore(Json& params) override { params["arguments"] = std::move(arguments_); }

  void appendResult(std::string& to, const Result<ToolOutput>& result) const {
    const ResultTail& tail = flow_.server().tail;
    if (!result.ok()) return appendToolFailure(to, *tool_, result.error(), flow_.revision(), tail);
    if (tool_->output && !result->is_error) {
      const auto misses = tool_->output->validate(result->structured);
      if (!misses.empty()) return appendBadOutput(to, misses);
    }
    appendToolSuccess(to, *tool_, *result, flow_.revision(), tail);
  }

  void appendBadOutput(std::string& to, const std::vector<json::SchemaError>& misses) const {
    const std::string& name = tool_->tool.name;
    log::error("a tool's result misses its output schema",
               {{"tool", name}, {"at", misses.front().instance_path}});
    Error error(Code::Internal, "the result of '" + name + "' misses its output schema",
                "this is a bug in the tool; report it");
    appendToolFailure(
        to, *tool_, std::move(error).named("invalid_output").withDetails(json::errorsJson(misses)),
        flow_.revision(), flow_.server().tail);
  }

  const std::shared_ptr<const RegisteredTool> tool_;  // it may be removed meanwhile
  Json arguments_;
};

WireError unknownTool(const Server::Impl& server, const std::string& name) {
  const auto nearest = server.tools.nearest(name);
  std::string message = "unknown tool '" + shortened(name, 128) + "'";
  if (nearest.empty()) return invalidParams(message, "unknown_tool", "list the tools first");
  const std::string hint = "did you mean " + joined(nearest) + "?";
  return invalidParams(message + "; " + hint, "unknown_tool", hint);
}

/// Has an older client asked that this call be a task?
bool asksForTask(const RegisteredTool& tool, const Request& request) {
  if (tool.tool.task_support == TaskSupport::Forbidden) return false;
  return hasExperimentalTasks(request.context.revision) && request.params.contains("task");
}

TaskOptions wishedTask(const Server::Impl& server, const RegisteredTool& tool,
                       const Request& request) {
  TaskOptions options = tool.tool.task_options;
  const Json* task = json::find(request.params, "task");
  const std::int64_t wish =
      task != nullptr && task->is_object() ? json::integerOr(*task, "ttl", 0) : 0;
  if (wish > 0) options.ttl_ms = std::min(wish, server.options.task_ttl_max_ms);
  return options;
}

/// A tool that is only ever a task, for a client that takes none; or the reverse.
std::optional<WireError> checkTask(const Server::Impl& server, const RegisteredTool& tool,
                                   const Request& request) {
  if (!server.tasks || request.task) return std::nullopt;
  const TaskSupport support = tool.tool.task_support;
  if (isModern(request.context.revision)) {
    if (support != TaskSupport::Required) return std::nullopt;
    const Json& declared = request.context.envelope->client_capabilities;
    if (declares(declared, ClientFeature::Tasks, request.context.revision)) return std::nullopt;
    return missingCapability(capabilitiesFor({ClientFeature::Tasks}));
  }
  const bool wished =
      hasExperimentalTasks(request.context.revision) && request.params.contains("task");
  if (wished == (support != TaskSupport::Forbidden) || support == TaskSupport::Optional)
    return std::nullopt;
  const std::string_view hint = wished ? "call it without 'task'" : "call it with 'task'";
  WireError error = methodNotFound("tools/call of '" + tool.tool.name + "' this way", false);
  error.body.message.append("; ").append(hint);
  return error;
}

/// Takes the arguments out of the params; absent is the same as {}.
std::optional<Json> takeArguments(Json& params) {
  const auto found = params.find("arguments");
  if (found == params.end() || found->is_null()) return Json::object();
  if (!found->is_object()) return std::nullopt;
  return std::move(*found);
}

/// Gemini CLI adds this to the schema of every tool, to be told by its model in which order to call
/// them, and passes it on to servers that never asked for it.
constexpr const char* kOrderOfGemini = "wait_for_previous";

/// What is wrong with them. What a client has added for itself is taken out where the tool refuses
/// it, so that one which has such an argument of its own gets it.
std::vector<json::SchemaError> misfits(const RegisteredTool& tool, Json& arguments) {
  auto misses = tool.input.validate(arguments);
  if (misses.empty() || arguments.erase(kOrderOfGemini) == 0) return misses;
  return tool.input.validate(arguments);
}

}  // namespace

void callTool(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const Json* name = request.params.is_object() ? json::find(request.params, "name") : nullptr;
  if (name == nullptr || !name->is_string())
    return request.error(invalidParams("'name' must be a string: the tool to call"));
  const auto* found = server.tools.find(name->get_ref<const std::string&>());
  if (found == nullptr)
    return request.error(unknownTool(server, name->get_ref<const std::string&>()));
  const std::shared_ptr<const RegisteredTool> tool = *found;
  if (const auto refusal = checkTask(server, *tool, request)) return request.error(*refusal);
  auto arguments = takeArguments(request.params);
  if (!arguments) return request.error(invalidParams("'arguments' must be an object"));

  const auto misses = misfits(*tool, *arguments);
  if (!misses.empty()) {
    std::string body;
    appendToolFailure(body, *tool, invalidArguments(tool->tool.name, misses),
                      request.context.revision, server.tail);
    return request.result(body);
  }

  auto call = std::make_shared<Call>(server, tool, std::move(request), std::move(*arguments));
  begin<ToolCall>(call, pending);
  if (asksForTask(*tool, call->request())) call->detach(wishedTask(server, *tool, call->request()));
  tool->handler(std::move(call));
}

}  // namespace tutti::mcp
