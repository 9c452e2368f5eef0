// ToolHost: prompts, resources and templates of all mounts, and which resources are watched.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "server/base/log.hpp"
#include "server/toolhost/mounted_requests.hpp"
#include "server/toolhost/mounted_uri.hpp"
#include "server/toolhost/naming.hpp"
#include "server/toolhost/tool_host.hpp"

namespace tutti::toolhost {

/// Puts a list of the sink's in step: what is wanted is told one by one, in order. The sink knows
/// one order only, that of adding: from the first difference on, all are taken back and offered
/// anew.
class ToolHost::InStep {
 public:
  using Remove = std::function<void(const std::string& name)>;
  InStep(std::vector<Offered>& offered, Remove remove)
      : offered_(offered), remove_(std::move(remove)) {}

  /// `add` says whether the sink has taken it.
  template <class Add>
  void want(Offered wanted, const Add& add) {
    const bool same = at_ < offered_.size() && offered_[at_].name == wanted.name &&
                      offered_[at_].mount == wanted.mount &&
                      offered_[at_].description == wanted.description;
    if (!same) {
      cut();
      wanted.added = add();
      offered_.push_back(std::move(wanted));
      other_ = true;
    }
    ++at_;
  }
  /// Was anything added or taken back? After the last of them.
  bool finish() {
    cut();
    return other_;
  }

 private:
  void cut() {
    other_ = other_ || offered_.size() > at_;
    while (offered_.size() > at_) {
      if (offered_.back().added) remove_(offered_.back().name);
      offered_.pop_back();
    }
  }

  std::vector<Offered>& offered_;
  const Remove remove_;
  std::size_t at_ = 0;
  bool other_ = false;
};

namespace {

bool noted(const Status& added, const char* what, const std::string& name) {
  if (!added.ok())
    log::warning("something of a mounted server cannot be offered",
                 {{what, name}, {"why", added.error().text()}});
  return added.ok();
}

mcp::ReadHandler readerOf(const std::shared_ptr<Mount>& mount) {
  return [mount](std::shared_ptr<mcp::ResourceRead> call) { readResource(mount, std::move(call)); };
}

/// What reads every resource of a server by its URI, listed or not.
OfferedTemplate anyOf(const Mount& mount) {
  OfferedTemplate any;
  any.resource.uri_template = kAnyUriTemplate;
  any.resource.name = mount.spec().name;
  any.resource.description =
      "Any resource of the mounted MCP server '" + mount.spec().name + "', by the URI it has there";
  return any;
}

}  // namespace

bool ToolHost::addPrompt(const std::string& name, const OfferedPrompt& offered,
                         const std::shared_ptr<Mount>& mount) {
  mcp::Prompt prompt = offered.prompt;
  prompt.name = name;
  mcp::CompletionHandler complete;
  if (offered.completes)
    complete = [mount, original = offered.name](std::shared_ptr<mcp::CompletionCall> call) {
      completePrompt(mount, original, std::move(call));
    };
  const Status added = sink_.addPrompt(
      std::move(prompt),
      [mount, original = offered.name](std::shared_ptr<mcp::PromptCall> call) {
        getPrompt(mount, original, std::move(call));
      },
      std::move(complete));
  return noted(added, "prompt", name);
}

bool ToolHost::addResource(const OfferedResource& offered, const std::shared_ptr<Mount>& mount) {
  mcp::Resource resource = offered.resource;
  resource.uri = mount->uriPrefix() + resource.uri;
  return noted(sink_.addResource(resource, readerOf(mount)), "resource", resource.uri);
}

bool ToolHost::addTemplate(const OfferedTemplate& offered, const std::shared_ptr<Mount>& mount) {
  mcp::ResourceTemplate resource = offered.resource;
  resource.uri_template = mount->uriPrefix() + resource.uri_template;
  mcp::CompletionHandler complete;
  if (offered.completes)
    complete = [mount, original = offered.resource.uri_template](
                   std::shared_ptr<mcp::CompletionCall> call) {
      completeTemplate(mount, original, std::move(call));
    };
  return noted(sink_.addTemplate(resource, readerOf(mount), std::move(complete)), "template",
               resource.uri_template);
}

void ToolHost::syncPrompts() {
  InStep step(offered_prompts_, [this](const std::string& name) { sink_.removePrompt(name); });
  std::set<std::string> taken;
  for (const auto& mount : mounts_)
    for (const OfferedPrompt& prompt : mount->prompts()) {
      const MountSpec& spec = mount->spec();
      const std::string name = offeredName(spec.name, spec.prompts.nameOf(prompt.name), taken);
      step.want({name, prompt.description, mount.get(), false},
                [&] { return addPrompt(name, prompt, mount); });
    }
  if (step.finish()) sink_.promptsChanged();
}

void ToolHost::syncResources() {
  InStep resources(offered_resources_,
                   [this](const std::string& uri) { sink_.removeResource(uri); });
  InStep templates(offered_templates_,
                   [this](const std::string& uri) { sink_.removeTemplate(uri); });
  for (const auto& mount : mounts_) {
    const std::string prefix = mount->uriPrefix();
    for (const OfferedResource& each : mount->resources())
      resources.want({prefix + each.resource.uri, each.description, mount.get(), false},
                     [&] { return addResource(each, mount); });
    const auto want = [&](const OfferedTemplate& each) {
      templates.want({prefix + each.resource.uri_template, each.description, mount.get(), false},
                     [&] { return addTemplate(each, mount); });
    };
    for (const OfferedTemplate& each : mount->templates()) want(each);
    if (mount->hasResources()) want(anyOf(*mount));
  }
  const bool other_resources = resources.finish();
  const bool other_templates = templates.finish();
  if (other_resources || other_templates) sink_.resourcesChanged();
}

/// Once for all that happens in one turn of the loop.
void ToolHost::watchedChanged() {
  if (std::exchange(watch_sync_due_, true)) return;
  boost::asio::post(io_, [this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    watch_sync_due_ = false;
    syncWatched();
  });
}

void ToolHost::syncWatched() {
  const std::vector<std::string> all = sink_.watchedUris();
  for (const auto& mount : mounts_) {
    const std::string prefix = mount->uriPrefix();
    std::set<std::string> uris;
    for (const std::string& uri : all) {
      if (!uri.starts_with(prefix)) continue;
      std::string own = uri.substr(prefix.size());
      if (mount->spec().resources.allows(own)) uris.insert(std::move(own));
    }
    mount->watch(std::move(uris));
  }
}

}  // namespace tutti::toolhost
