#include "server/toolhost/mounted_requests.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/client/header_arguments.hpp"
#include "server/toolhost/mount.hpp"
#include "server/toolhost/mounted_call.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;

namespace {

/// Ends `call` with what `convert` makes of the reply.
template <class Call, class Convert>
std::function<bool(Result<client::Reply>)> finisher(const std::shared_ptr<Mount>& mount,
                                                    std::shared_ptr<Call> call, Convert convert) {
  return [mount, call = std::move(call), convert](Result<client::Reply> reply) {
    if (!reply.ok()) {
      call->finish(std::move(reply).error());
      return false;
    }
    auto output = convert(*reply);
    const bool good = output.ok();
    if (good)
      call->finish(std::move(*output));
    else
      call->finish(ofServer(mount->spec().name, output.error()));
    return good;
  };
}

/// Servers say in two ways, by revision, that they have no such resource.
Error readError(const Mount& mount, const Error& error) {
  constexpr std::int64_t kNotFound = -32002;
  constexpr std::int64_t kInvalidParams = -32602;
  const std::int64_t code = client::serverCode(error);
  const bool modern =
      !mount.shared() && mount.client() != nullptr && isModern(mount.client()->facts().revision);
  if (code == kNotFound || (modern && code == kInvalidParams))
    return Error(Code::NotFound, error.message());
  return error;
}

void complete(const std::shared_ptr<Mount>& mount, const std::string& what, Json reference,
              std::shared_ptr<mcp::CompletionCall> call) {
  Passing passing;
  passing.what = "completion/complete " + what;
  passing.caller = call;
  passing.send = [call, reference = std::move(reference)](
                     client::Client& to, client::CallOptions options, client::Done done) {
    Json params = Json::object({{"ref", reference}});
    params["argument"] = Json::object({{"name", call->argument()}, {"value", call->value()}});
    if (!call->settled().empty())
      params["context"] = Json::object({{"arguments", call->settled()}});
    return to.request("completion/complete", std::move(params), std::move(options),
                      std::move(done));
  };
  passing.finish = finisher(mount, std::move(call), completionPassedOn);
  mount->pass(std::move(passing));
}

}  // namespace

void callTool(const std::shared_ptr<Mount>& mount, const std::string& tool,
              std::shared_ptr<mcp::ToolCall> call) {
  Passing passing;
  passing.what = "tools/call " + tool;
  passing.caller = call;
  passing.send = [mount, tool, call](client::Client& to, client::CallOptions options,
                                     client::Done done) {
    if (const OfferedTool* known = mount->offered(tool))
      options.header_params = client::headerArguments(known->header_parameters, call->arguments());
    return to.call({tool, call->arguments()}, std::move(options), std::move(done));
  };
  passing.finish = finisher(mount, std::move(call), [mount](const client::Reply& reply) {
    return passedOn(reply, mount->resultPrefix());
  });
  mount->pass(std::move(passing));
}

void getPrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
               std::shared_ptr<mcp::PromptCall> call) {
  Passing passing;
  passing.what = "prompts/get " + prompt;
  passing.caller = call;
  passing.send = [prompt, call](client::Client& to, client::CallOptions options,
                                client::Done done) {
    return to.getPrompt(prompt, call->arguments(), std::move(options), std::move(done));
  };
  passing.finish = finisher(mount, std::move(call), [mount](const client::Reply& reply) {
    return promptPassedOn(reply, mount->resultPrefix());
  });
  mount->pass(std::move(passing));
}

void readResource(const std::shared_ptr<Mount>& mount, std::shared_ptr<mcp::ResourceRead> call) {
  const std::string prefix = mount->uriPrefix();
  const std::string uri = call->uri().substr(std::min(prefix.size(), call->uri().size()));
  if (!mount->spec().resources.allows(uri))
    return call->finish(
        Error(Code::NotFound, "resource '" + shortened(uri, 200) + "' is not offered"));
  Passing passing;
  passing.what = "resources/read " + uri;
  passing.caller = call;
  passing.send = [uri](client::Client& to, client::CallOptions options, client::Done done) {
    return to.readResource(uri, std::move(options), std::move(done));
  };
  const auto finish = finisher(mount, std::move(call), [prefix](const client::Reply& reply) {
    return resourcePassedOn(reply, prefix);
  });
  passing.finish = [mount, finish](Result<client::Reply> reply) {
    if (!reply.ok()) reply = readError(*mount, reply.error());
    return finish(std::move(reply));
  };
  mount->pass(std::move(passing));
}

void completePrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
                    std::shared_ptr<mcp::CompletionCall> call) {
  complete(mount, prompt, Json::object({{"type", "ref/prompt"}, {"name", prompt}}),
           std::move(call));
}

void completeTemplate(const std::shared_ptr<Mount>& mount, const std::string& uri_template,
                      std::shared_ptr<mcp::CompletionCall> call) {
  complete(mount, uri_template, Json::object({{"type", "ref/resource"}, {"uri", uri_template}}),
           std::move(call));
}

}  // namespace tutti::toolhost
