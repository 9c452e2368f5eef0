#include "server/runner/drivers/conversation.hpp"

#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/json/json.hpp"

namespace tutti::runner {
namespace {
constexpr std::size_t kFileBytesMax = 65'536;
}

Conversation Conversation::load(const std::filesystem::path& file) {
  Conversation known;
  const Result<std::string> text = readFile(file, kFileBytesMax);
  if (!text.ok()) return known;
  const Result<Json> parsed = json::parse(*text);
  if (!parsed.ok() || !parsed->is_object()) return known;
  known.executor_session_id = json::stringOr(*parsed, "executor_session_id", "");
  known.model = json::stringOr(*parsed, "model", "");
  known.cwd = json::stringOr(*parsed, "cwd", "");
  known.compacted = json::booleanOr(*parsed, "compacted", false);
  return known;
}

void Conversation::save(const std::filesystem::path& file) const {
  Json out = Json::object();
  out["executor_session_id"] = executor_session_id;
  out["model"] = model;
  out["cwd"] = cwd;
  out["compacted"] = compacted;
  if (Status written = replaceFile(file, json::dump(out)); !written.ok())
    log::warning("the conversation cannot be noted", {{"error", written.error().message()}});
}

std::vector<std::string> lossesBetween(const Conversation& before, const Conversation& now) {
  std::vector<std::string> losses;
  if (before.executor_session_id != now.executor_session_id) {
    losses.push_back("the agent continued conversation " + before.executor_session_id + " as " +
                     now.executor_session_id);
  }
  if (!before.model.empty() && before.model != now.model)
    losses.push_back("the model changed from " + before.model + " to " + now.model);
  if (!before.cwd.empty() && before.cwd != now.cwd)
    losses.push_back("the project folder changed from " + before.cwd + " to " + now.cwd);
  if (before.compacted) losses.emplace_back("the agent has compacted the conversation");
  return losses;
}

}  // namespace tutti::runner
