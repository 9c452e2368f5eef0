// ToolHost: the prompts of all mounts.
#include "server/base/log.hpp"
#include "server/toolhost/mounted_prompt.hpp"
#include "server/toolhost/naming.hpp"
#include "server/toolhost/tool_host.hpp"

namespace tutti::toolhost {

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
  if (!added.ok())
    log::warning("a mounted prompt cannot be offered",
                 {{"prompt", name}, {"why", added.error().text()}});
  return added.ok();
}

/// As sync() does it with the tools.
void ToolHost::syncPrompts() {
  std::set<std::string> taken;
  std::size_t at = 0;
  bool other = false;
  const auto cut = [&] {
    other = other || offered_prompts_.size() > at;
    while (offered_prompts_.size() > at) {
      if (offered_prompts_.back().added) sink_.removePrompt(offered_prompts_.back().name);
      offered_prompts_.pop_back();
    }
  };
  for (const auto& mount : mounts_)
    for (const OfferedPrompt& prompt : mount->prompts()) {
      const MountSpec& spec = mount->spec();
      const std::string name = offeredName(spec.name, spec.prompts.nameOf(prompt.name), taken);
      const bool same = at < offered_prompts_.size() && offered_prompts_[at].name == name &&
                        offered_prompts_[at].mount == mount.get() &&
                        offered_prompts_[at].description == prompt.description;
      if (!same) {
        cut();
        const bool added = addPrompt(name, prompt, mount);
        offered_prompts_.push_back({name, prompt.description, mount.get(), added});
        other = true;
      }
      ++at;
    }
  cut();
  if (other) sink_.promptsChanged();
}

}  // namespace tutti::toolhost
