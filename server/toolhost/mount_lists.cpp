// Mount: the list of prompts.
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/toolhost/connection.hpp"
#include "server/toolhost/mount.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;

client::Client* Mount::client() const {
  return connection_ && state_ == MountState::Ready ? &connection_->client() : nullptr;
}

/// After the tools, which do not wait for it.
void Mount::listPrompts() {
  listing_ = true;
  connection_->client().list(
      client::ListKind::Prompts,
      [weak = weak_from_this()](Result<std::vector<client::ListEntry>> entries) {
        if (const auto self = weak.lock()) self->promptsListed(std::move(entries));
      });
}

void Mount::promptsListed(Result<std::vector<client::ListEntry>> entries) {
  listing_ = false;
  if (state_ != MountState::Ready) return;  // lost: what was listed before stays
  if (!entries.ok()) {
    left_out_.push_back(shortened("its prompts: " + entries.error().text(), 500));
    log::warning("an MCP server does not list its prompts",
                 {{"server", spec_.name}, {"why", left_out_.back()}});
    return changed_();
  }
  const bool completes =
      json::find(connection_->client().facts().capabilities, "completions") != nullptr;
  prompts_.clear();
  for (const client::ListEntry& entry : *entries) {
    if (prompts_.size() >= options_.prompts_max) {
      left_out_.push_back("further prompts: prompts_max is " +
                          std::to_string(options_.prompts_max));
      break;
    }
    auto offered = offeredPrompt(entry);
    if (!offered.ok() || !spec_.prompts.allows(offered->name)) continue;
    offered->completes = completes;
    prompts_.push_back(std::move(*offered));
  }
  changed_();
}

}  // namespace tutti::toolhost
