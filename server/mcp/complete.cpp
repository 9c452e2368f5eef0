// completion/complete: suggestions for an argument of a prompt or a variable of a template.
#include <algorithm>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/under_way.hpp"

namespace tutti::mcp {
namespace {

constexpr std::size_t kValuesMax = 100;

struct Asked {
  std::string argument;
  std::string value;
  Json settled = Json::object();
};

class Completing final : public UnderWay<CompletionCall> {
 public:
  Completing(Server::Impl& server, Request request, Asked asked)
      : UnderWay(server, std::move(request)), asked_(std::move(asked)) {}

  const std::string& argument() const override { return asked_.argument; }
  const std::string& value() const override { return asked_.value; }
  const Json& settled() const override { return asked_.settled; }

  void finish(Result<CompletionOutput> result) override {
    if (!flow_.open()) return;
    if (!result.ok()) return flow_.error({errorBody(result.error())});
    std::string frame = flow_.resultHead();
    appendOutput(frame, *result);
    frame += '}';
    flow_.reply(std::move(frame));
  }

 private:
  void appendOutput(std::string& to, const CompletionOutput& output) const {
    const std::size_t shown = std::min(output.values.size(), kValuesMax);
    to += "{\"completion\":{\"values\":[";
    for (std::size_t i = 0; i < shown; ++i) {
      if (i > 0) to += ',';
      appendJsonString(to, output.values[i]);
    }
    to += ']';
    const auto known = static_cast<std::int64_t>(output.values.size());
    const std::int64_t total = std::max(output.total.value_or(known), known);
    if (!output.more && (output.total || known > static_cast<std::int64_t>(shown)))
      appendJsonMember(to, "total", std::to_string(total));
    const bool more = output.more || total > static_cast<std::int64_t>(shown);
    appendJsonMember(to, "hasMore", more ? "true" : "false");
    to += '}';
    if (isModern(flow_.revision())) to += flow_.server().tail.modern;
    to += '}';
  }

  const Asked asked_;
};

/// Who completes for `ref`, after a look whether what it names has that argument.
Result<CompletionHandler> completerOf(const Server::Impl& server, const Json& ref,
                                      const std::string& argument) {
  const auto unknown = [](const std::string& what) {
    return Error(Code::InvalidArgument, what).named("unknown_reference");
  };
  const std::string type = json::stringOr(ref, "type", "");
  if (type == "ref/prompt") {
    const std::string name = json::stringOr(ref, "name", "");
    const auto* prompt = server.prompts.find(name);
    if (prompt == nullptr) return unknown("unknown prompt '" + shortened(name, 128) + "'");
    const auto& arguments = (*prompt)->prompt.arguments;
    const bool has = std::any_of(arguments.begin(), arguments.end(),
                                 [&](const auto& one) { return one.name == argument; });
    if (!has) return unknown("the prompt has no argument '" + shortened(argument, 128) + "'");
    return (*prompt)->complete;
  }
  if (type != "ref/resource") return unknown("'ref.type' must be ref/prompt or ref/resource");
  const std::string uri = json::stringOr(ref, "uri", "");
  const auto* entry = server.templates.find(uri);
  if (entry == nullptr && server.readerOf(uri).handler) return CompletionHandler();
  if (entry == nullptr) return unknown("unknown resource template '" + shortened(uri, 128) + "'");
  const auto& variables = (*entry)->uri.variables();
  if (std::find(variables.begin(), variables.end(), argument) == variables.end())
    return unknown("the template has no variable '" + shortened(argument, 128) + "'");
  return (*entry)->complete;
}

std::optional<WireError> readAsked(const Json& params, Asked& asked) {
  const Json* argument = json::find(params, "argument");
  if (argument == nullptr || !argument->is_object())
    return invalidParams("'argument' must be an object with name and value");
  const Json* name = json::find(*argument, "name");
  const Json* value = json::find(*argument, "value");
  if (name == nullptr || !name->is_string() || value == nullptr || !value->is_string())
    return invalidParams("'argument.name' and 'argument.value' must be strings");
  asked.argument = name->get<std::string>();
  asked.value = value->get<std::string>();
  const Json* context = json::find(params, "context");
  if (context == nullptr || !context->is_object()) return std::nullopt;
  const Json* settled = json::find(*context, "arguments");
  if (settled != nullptr && settled->is_object()) asked.settled = *settled;
  return std::nullopt;
}

}  // namespace

void complete(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const Json* ref = request.params.is_object() ? json::find(request.params, "ref") : nullptr;
  if (ref == nullptr || !ref->is_object())
    return request.error(invalidParams("'ref' must be an object: the prompt or template meant"));
  Asked asked;
  if (const auto bad = readAsked(request.params, asked)) return request.error(*bad);
  auto completer = completerOf(server, *ref, asked.argument);
  if (!completer.ok())
    return request.error(invalidParams(completer.error().message(), completer.error().name()));

  auto call = std::make_shared<Completing>(server, std::move(request), std::move(asked));
  begin<CompletionCall>(call, pending);
  if (!*completer) return call->finish(CompletionOutput{});
  (*completer)(std::move(call));
}

}  // namespace tutti::mcp
