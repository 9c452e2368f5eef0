#include "server/agents/transcript.hpp"

#include <nlohmann/json.hpp>

#include "server/base/text.hpp"

namespace tutti::agents {
namespace {

constexpr std::size_t kToolTextMax = 2'000;

/// The texts of content blocks, or a plain string.
std::string textOf(const Json* content) {
  if (content == nullptr) return {};
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) return json::dump(*content);
  std::string text;
  for (const Json& block : *content) {
    const std::string piece =
        block.is_object() ? json::stringOr(block, "text", "") : json::dump(block);
    if (!text.empty() && !piece.empty()) text += "\n\n";
    text += piece;
  }
  return text;
}

/// A fence longer than any in the text, so that the text cannot end it.
std::string fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != text.npos) fence += '`';
  return fence + "\n" + text + "\n" + fence + "\n";
}

std::string heading(std::string_view title, const Event& event) {
  std::string line = "\n## ";
  line.append(title).append(" · ").append(event.timestamp.substr(0, 19)).append("\n\n");
  return line;
}

std::string messageText(const Event& event, const Json& data) {
  const bool synthetic = json::booleanOr(data, "synthetic", false);
  const std::string role = synthetic ? "note" : json::stringOr(data, "role", "message");
  return heading(role, event) + textOf(json::find(data, "content")) + "\n";
}

std::string toolText(const Event& event, const Json& data) {
  const std::string name = json::stringOr(data, "tool_name", "?");
  if (event.event_type == "pre_tool") {
    const Json* input = json::find(data, "tool_input");
    const std::string shown = input == nullptr ? "{}" : json::dump(*input);
    return heading("tool " + name, event) + fenced(shortened(shown, kToolTextMax));
  }
  const bool failed = json::booleanOr(data, "is_error", false);
  const std::string output = textOf(json::find(data, "tool_output"));
  return "\n" + name + (failed ? " failed:\n\n" : " gave:\n\n") +
         fenced(shortened(output, kToolTextMax));
}

std::string endText(const Event& event, const Json& data) {
  std::string line = heading(event.event_type, event);
  for (const char* key : {"reason", "error", "error_hint"})
    if (const std::string text = json::stringOr(data, key, ""); !text.empty())
      line.append("- ").append(key).append(": ").append(text).append("\n");
  return line;
}

std::string resultText(const Event& event, const Json& data) {
  std::string shown = json::stringOr(data, "result_text", "");
  if (const Json* value = json::find(data, "result_data")) shown = json::dumpPretty(*value);
  return shown.empty() ? std::string() : heading("result", event) + fenced(shown);
}

std::string eventText(const Event& event) {
  const auto parsed = json::parse(event.data);
  const Json data = parsed.ok() && parsed->is_object() ? *parsed : Json(Json::object());
  const std::string& type = event.event_type;
  if (type == "message") return messageText(event, data);
  if (type == "pre_tool" || type == "post_tool") return toolText(event, data);
  if (type == "result") return resultText(event, data);
  if (type == "run_completed" || type == "run_failed" || type == "run_stopped")
    return endText(event, data);
  if (type == "progress") return "- " + json::stringOr(data, "text", "") + "\n";
  if (type.starts_with("permission_"))
    return heading(type, event) + json::stringOr(data, "tool_name", "") + "\n";
  return {};
}

}  // namespace

std::string transcriptOf(const Session& session, const std::vector<Event>& events) {
  std::string text = "# " + (session.name.empty() ? session.session_id : session.name) + "\n\n";
  text += "- session: " + session.session_id + "\n- agent: " + session.agent_name +
          "\n- status: " + std::string(toString(session.status)) +
          "\n- project: " + session.project_dir + "\n- started: " + session.created_at + "\n";
  for (const Event& event : events) text += eventText(event);
  return text;
}

}  // namespace tutti::agents
