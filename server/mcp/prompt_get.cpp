// prompts/get: from the request to the handler and back.
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/under_way.hpp"

namespace tutti::mcp {
namespace {

class PromptRun final : public UnderWay<PromptCall> {
 public:
  PromptRun(Server::Impl& server, Request request, Json arguments)
      : UnderWay(server, std::move(request)), arguments_(std::move(arguments)) {}

  const Json& arguments() const override { return arguments_; }

  void finish(Result<PromptOutput> result) override {
    if (!flow_.open()) return;
    if (!result.ok()) return flow_.error({errorBody(result.error())});
    std::string frame = flow_.resultHead();
    appendPrompt(frame, *result);
    frame += '}';
    flow_.reply(std::move(frame));
  }

 private:
  void appendPrompt(std::string& to, const PromptOutput& output) const {
    to += '{';
    appendTextMember(to, "description", output.description);
    to += to.back() == '{' ? "\"messages\":[" : ",\"messages\":[";
    for (const PromptMessage& message : output.messages) {
      if (to.back() != '[') to += ',';
      to += message.role == Role::User ? "{\"role\":\"user\",\"content\":"
                                       : "{\"role\":\"assistant\",\"content\":";
      appendContent(to, message.content, flow_.revision());
      to += '}';
    }
    to += ']';
    if (isModern(flow_.revision())) to += flow_.server().tail.modern;
    to += '}';
  }

  const Json arguments_;
};

WireError unknownPrompt(const Server::Impl& server, const std::string& name) {
  const auto nearest = server.prompts.nearest(name);
  const std::string message = "unknown prompt '" + shortened(name, 128) + "'";
  if (nearest.empty()) return invalidParams(message, "unknown_prompt", "list the prompts first");
  const std::string hint = "did you mean " + joined(nearest) + "?";
  return invalidParams(message + "; " + hint, "unknown_prompt", hint);
}

/// What is wrong with the arguments, or nothing.
std::optional<WireError> checkArguments(const Prompt& prompt, const Json& arguments) {
  if (!arguments.is_object()) return invalidParams("'arguments' must be an object");
  for (const auto& [name, value] : arguments.items())
    if (!value.is_string())
      return invalidParams("the argument '" + shortened(name, 128) + "' must be a string");
  for (const PromptArgument& argument : prompt.arguments)
    if (argument.presence == Presence::Required && !arguments.contains(argument.name))
      return invalidParams(
          "the prompt '" + prompt.name + "' needs the argument '" + argument.name + "'",
          "missing_argument", argument.description);
  return std::nullopt;
}

}  // namespace

void getPrompt(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const std::string* name = stringParameter(request, "name");
  if (name == nullptr)
    return request.error(invalidParams("'name' must be a string: the prompt to get"));
  const auto* found = server.prompts.find(*name);
  if (found == nullptr) return request.error(unknownPrompt(server, *name));
  const auto prompt = *found;
  const Json* given = json::find(request.params, "arguments");
  Json arguments = given == nullptr ? Json::object() : *given;
  if (const auto bad = checkArguments(prompt->prompt, arguments)) return request.error(*bad);

  auto run = std::make_shared<PromptRun>(server, std::move(request), std::move(arguments));
  begin<PromptCall>(run, pending);
  prompt->handler(std::move(run));
}

}  // namespace tutti::mcp
