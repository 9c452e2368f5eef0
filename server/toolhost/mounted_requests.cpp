#include "server/toolhost/mounted_prompt.hpp"

#include <cmath>
#include <utility>

#include "server/toolhost/mount.hpp"
#include "server/toolhost/mounted_call.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;

namespace {

/// The caller's withdrawal becomes the server's.
void followCaller(const std::shared_ptr<Mount>& mount, mcp::RequestContext& call,
                  client::Ticket ticket) {
  if (ticket == 0) return;  // ended already, at a bound
  call.onCancelled([weak = std::weak_ptr<Mount>(mount), ticket] {
    const auto kept = weak.lock();
    client::Client* to = kept ? kept->client() : nullptr;
    if (to != nullptr) to->cancel(ticket, "the caller withdrew");
  });
}

}  // namespace

void getPrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
               std::shared_ptr<mcp::PromptCall> call) {
  const std::string& server = mount->spec().name;
  client::Client* to = mount->client();
  if (to == nullptr) return call->finish(ofServer(server, mount->notReady()));
  client::CallOptions options;
  options.time_max_ms = static_cast<std::int64_t>(std::ceil(mount->spec().timeout_s * 1000));
  if (call->wantsProgress())
    options.on_progress = [call](const client::Progress& progress) {
      call->progress(progress.value, progress.total, progress.message);
    };
  const client::Ticket ticket = to->getPrompt(
      prompt, call->arguments(), std::move(options), [call, server](Result<client::Reply> reply) {
        if (!reply.ok()) return call->finish(ofServer(server, reply.error()));
        auto output = promptPassedOn(*reply);
        if (!output.ok()) return call->finish(ofServer(server, output.error()));
        call->finish(std::move(*output));
      });
  followCaller(mount, *call, ticket);
}

void completePrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
                    std::shared_ptr<mcp::CompletionCall> call) {
  const std::string& server = mount->spec().name;
  client::Client* to = mount->client();
  if (to == nullptr) return call->finish(ofServer(server, mount->notReady()));
  Json context;
  if (!call->settled().empty()) context = Json{{"arguments", call->settled()}};
  const client::Ticket ticket =
      to->complete(Json{{"type", "ref/prompt"}, {"name", prompt}},
                   Json{{"name", call->argument()}, {"value", call->value()}}, std::move(context),
                   [call, server](Result<client::Reply> reply) {
                     if (!reply.ok()) return call->finish(ofServer(server, reply.error()));
                     auto output = completionPassedOn(*reply);
                     if (!output.ok()) return call->finish(ofServer(server, output.error()));
                     call->finish(std::move(*output));
                   });
  followCaller(mount, *call, ticket);
}

}  // namespace tutti::toolhost
