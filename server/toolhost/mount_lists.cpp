// Mount: what its server offers, list by list.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/toolhost/connection.hpp"
#include "server/toolhost/mount.hpp"
#include "server/toolhost/mounted_uri.hpp"
#include "server/toolhost/share.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;
using transport::steadyMs;

namespace {

constexpr std::size_t kLeftOutMax = 500;

/// "further prompts: prompts_max is 256".
std::string bound(const std::string& what, const std::string& limit, std::size_t value) {
  return what + ": " + limit + " is " + std::to_string(value);
}

}  // namespace

client::Client* Mount::client() const {
  return connection_ && state_ == MountState::Ready ? &connection_->client() : nullptr;
}

std::string Mount::uriPrefix() const {
  return options_.naming == MountOptions::Naming::AsGiven ? "" : mountedUriPrefix(spec_.name);
}

std::string Mount::resultPrefix() const {
  return hasResources() ? uriPrefix() : std::string();
}

const OfferedTool* Mount::offered(const std::string& tool) const {
  const auto found = std::find_if(tools_.begin(), tools_.end(),
                                  [&tool](const OfferedTool& each) { return each.name == tool; });
  return found == tools_.end() ? nullptr : &*found;
}

void Mount::onListChanged(client::ListKind) {
  if (state_ != MountState::Ready || relist_at_ms_ != 0) return;
  relist_at_ms_ = std::max(steadyMs(), listed_at_ms_ + options_.relist_pause_ms);
  arm();
}

/// All lists, one after the other; the tools first, since settling waits for them alone.
void Mount::list() {
  relist_at_ms_ = 0;
  noteCapabilities();
  listNext(client::ListKind::Tools, &Mount::toolsListed);
}

/// The core of a shared copy declares everything, so that nobody comes too early: what the server
/// has is known to its owner.
void Mount::noteCapabilities() {
  if (share_) {
    MountHealth seen;
    share_->describe(seen);
    capabilities_ = std::move(seen.capabilities);
    return;
  }
  capabilities_.clear();
  for (const auto& [name, value] : connection_->client().facts().capabilities.items())
    capabilities_.insert(name);
}

void Mount::listNext(client::ListKind kind, void (Mount::*then)(Entries entries)) {
  listing_ = true;
  connection_->client().list(kind, [weak = weak_from_this(), then](Entries entries) {
    const auto self = weak.lock();
    if (!self) return;
    self->listing_ = false;
    self->listed_at_ms_ = steadyMs();
    if (!entries.ok() && entries.error().name() == "request_timeout") self->checkOwner();
    const client::Client* from = self->client();
    // Lost: what was listed before stays.
    if (from != nullptr && from->ready()) ((*self).*then)(std::move(entries));
  });
}

/// False when there is no such list, which is said.
bool Mount::takesList(const char* what, const Entries& entries) {
  if (entries.ok()) return true;
  const std::string why = withoutSecrets(entries.error().text());
  leaveOut(shortened(std::string("its ") + what + ": " + why, kLeftOutMax));
  log::warning("an MCP server does not list what it offers",
               {{"server", spec_.name}, {"what", what}, {"why", why}});
  return false;
}

void Mount::leaveOut(std::string what) {
  if (left_out_.size() < options_.left_out_max) left_out_.push_back(std::move(what));
}

void Mount::toolsListed(Entries entries) {
  if (!entries.ok()) {
    problem_ = shortened("its tools cannot be listed: " + withoutSecrets(entries.error().text()),
                         kLeftOutMax);
    log::warning("an MCP server does not list its tools",
                 {{"server", spec_.name}, {"why", problem_}});
    return settle();
  }
  tools_.clear();
  left_out_.clear();
  for (const client::ListEntry& entry : *entries) {
    auto offered = offeredTool(entry);
    if (!offered.ok()) {
      leaveOut(offered.error().message());
    } else if (!spec_.tools.allows(offered->name)) {
      continue;
    } else if (tools_.size() >= spec_.limits.tools_max) {
      leaveOut(bound("tools from '" + shortened(offered->name, 64) + "' on", "tools_max",
                     spec_.limits.tools_max));
      break;
    } else {
      tools_.push_back(std::move(*offered));
    }
  }
  settle();
  listNext(client::ListKind::Prompts, &Mount::promptsListed);
}

void Mount::promptsListed(Entries entries) {
  if (takesList("prompts", entries)) {
    const bool completes = capabilities_.contains("completions");
    prompts_.clear();
    for (const client::ListEntry& entry : *entries) {
      auto offered = offeredPrompt(entry);
      if (!offered.ok() || !spec_.prompts.allows(offered->name)) continue;
      if (prompts_.size() >= spec_.limits.prompts_max) {
        leaveOut(bound("further prompts", "prompts_max", spec_.limits.prompts_max));
        break;
      }
      offered->completes = completes;
      prompts_.push_back(std::move(*offered));
    }
    told_.changed();
  }
  listNext(client::ListKind::Resources, &Mount::resourcesListed);
}

void Mount::resourcesListed(Entries entries) {
  if (takesList("resources", entries)) {
    resources_.clear();
    std::set<std::string> seen;
    for (const client::ListEntry& entry : *entries) {
      auto offered = offeredResource(entry);
      if (!offered.ok()) {
        leaveOut(offered.error().message());
        continue;
      }
      const std::string& uri = offered->resource.uri;
      if (!spec_.resources.allows(uri) || !seen.insert(uri).second) continue;
      if (resources_.size() >= spec_.limits.resources_max) {
        leaveOut(bound("further resources", "resources_max", spec_.limits.resources_max));
        break;
      }
      resources_.push_back(std::move(*offered));
    }
    told_.changed();
  }
  listNext(client::ListKind::ResourceTemplates, &Mount::templatesListed);
}

void Mount::templatesListed(Entries entries) {
  if (!takesList("resource templates", entries)) return;
  const bool completes = capabilities_.contains("completions");
  templates_.clear();
  std::set<std::string> seen;
  for (const client::ListEntry& entry : *entries) {
    auto offered = offeredTemplate(entry);
    if (!offered.ok()) {
      leaveOut(offered.error().message());
      continue;
    }
    const std::string& text = offered->resource.uri_template;
    if (text == kAnyUriTemplate || !spec_.resources.allows(text) || !seen.insert(text).second)
      continue;
    if (templates_.size() >= spec_.limits.resources_max) {
      leaveOut(bound("further resource templates", "resources_max", spec_.limits.resources_max));
      break;
    }
    offered->completes = completes;
    templates_.push_back(std::move(*offered));
  }
  told_.changed();
}

}  // namespace tutti::toolhost
