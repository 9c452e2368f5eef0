// tools/call: from the request to the handler and back.
#include <utility>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/under_way.hpp"

namespace tutti::mcp {
namespace {

class Call final : public UnderWay<ToolCall> {
 public:
  Call(Server::Impl& server, const RegisteredTool& tool, Request request, Json arguments)
      : UnderWay(server, std::move(request)), tool_(tool), arguments_(std::move(arguments)) {}

  const Json& arguments() const override { return arguments_; }

  void finish(Result<ToolOutput> result) override {
    if (!flow_.open()) return;
    std::string frame = flow_.resultHead();
    appendResult(frame, result);
    frame += '}';
    flow_.reply(std::move(frame));
  }

 private:
  void restore(Json& params) override { params["arguments"] = std::move(arguments_); }

  void appendResult(std::string& to, const Result<ToolOutput>& result) const {
    const ResultTail& tail = flow_.server().tail;
    if (!result.ok()) return appendToolFailure(to, tool_, result.error(), flow_.revision(), tail);
    if (tool_.output) {
      const auto misses = tool_.output->validate(result->structured);
      if (!misses.empty()) return appendBadOutput(to, misses);
    }
    appendToolSuccess(to, tool_, *result, flow_.revision(), tail);
  }

  void appendBadOutput(std::string& to, const std::vector<json::SchemaError>& misses) const {
    const std::string& name = tool_.tool.name;
    log::error("a tool's result misses its output schema",
               {{"tool", name}, {"at", misses.front().instance_path}});
    Error error(Code::Internal, "the result of '" + name + "' misses its output schema",
                "this is a bug in the tool; report it");
    appendToolFailure(
        to, tool_, std::move(error).named("invalid_output").withDetails(json::errorsJson(misses)),
        flow_.revision(), flow_.server().tail);
  }

  const RegisteredTool& tool_;
  Json arguments_;
};

WireError unknownTool(const Server::Impl& server, const std::string& name) {
  const auto nearest = server.tools.nearest(name);
  std::string message = "unknown tool '" + shortened(name, 128) + "'";
  if (nearest.empty()) return invalidParams(message, "unknown_tool", "list the tools first");
  const std::string hint = "did you mean " + joined(nearest) + "?";
  return invalidParams(message + "; " + hint, "unknown_tool", hint);
}

/// Takes the arguments out of the params; absent is the same as {}.
std::optional<Json> takeArguments(Json& params) {
  const auto found = params.find("arguments");
  if (found == params.end() || found->is_null()) return Json::object();
  if (!found->is_object()) return std::nullopt;
  return std::move(*found);
}

}  // namespace

void callTool(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const Json* name = request.params.is_object() ? json::find(request.params, "name") : nullptr;
  if (name == nullptr || !name->is_string())
    return request.error(invalidParams("'name' must be a string: the tool to call"));
  const RegisteredTool* tool = server.tools.find(name->get_ref<const std::string&>());
  if (tool == nullptr)
    return request.error(unknownTool(server, name->get_ref<const std::string&>()));
  auto arguments = takeArguments(request.params);
  if (!arguments) return request.error(invalidParams("'arguments' must be an object"));

  const auto misses = tool->input.validate(*arguments);
  if (!misses.empty()) {
    std::string body;
    appendToolFailure(body, *tool, invalidArguments(tool->tool.name, misses),
                      request.context.revision, server.tail);
    return request.result(body);
  }

  auto call = std::make_shared<Call>(server, *tool, std::move(request), std::move(*arguments));
  begin<ToolCall>(call, pending);
  tool->handler(std::move(call));
}

}  // namespace tutti::mcp
