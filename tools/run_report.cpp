#include "tools/run_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tutti::tools {
namespace {
constexpr std::size_t kInlineDataBytesMax = 1U << 20;

/// The first position at or after `at` where a character begins.
std::size_t characterStart(const std::string& text, std::size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
  return std::min(at, text.size());
}

void addText(Json& report, const std::string& text, ResultWindow window) {
  const std::size_t from = characterStart(text, static_cast<std::size_t>(window.offset));
  const std::size_t to = characterStart(text, from + static_cast<std::size_t>(window.size_max));
  report["result_text"] = text.substr(from, to - from);
  if (from == 0 && to == text.size()) return;
  report["result_chars"] = text.size();
  if (to < text.size()) report["next_offset"] = to;
}

// Data too large to be of use in one message is given as text, a piece at a time.
void addData(Json& report, const std::string& data, ResultWindow window) {
  if (data.size() > kInlineDataBytesMax) {
    report["result_data_omitted"] = true;
    return addText(report, data, window);
  }
  Result<Json> parsed = json::parse(data, {.depth_max = 512});
  report["result_data"] = parsed.ok() ? std::move(*parsed) : Json(data);
}

void addError(Json& report, const agents::Run& run, const Json& outcome) {
  Json error = Json::object({{"name", run.error_name}, {"message", run.error}});
  const Json* hint = nullptr;
  if (const Json* told = json::find(outcome, "error")) hint = json::find(*told, "hint");
  if (hint != nullptr && hint->is_string() && !hint->get_ref<const std::string&>().empty())
    error["hint"] = *hint;
  report["error"] = std::move(error);
}

void copyMembers(Json& report, const Json& outcome) {
  for (const char* key : {"usage", "stop_report"})
    if (const Json* value = json::find(outcome, key); value != nullptr && value->is_object())
      report[key] = *value;
  for (const char* key : {"num_turns", "duration_ms"})
    if (const Json* value = json::find(outcome, key);
        value != nullptr && value->is_number_integer())
      report[key] = *value;
  if (const Json* cost = json::find(outcome, "cost_usd"); cost != nullptr && cost->is_number())
    report["cost_usd"] = *cost;
  const Json* denials = json::find(outcome, "permission_denials");
  if (denials != nullptr && denials->is_array() && !denials->empty())
    report["permission_denials"] = *denials;
}
}  // namespace

Json runReport(const agents::Session& session, const agents::Run& run, ResultWindow window) {
  Json report = Json::object({{"session_id", session.session_id},
                              {"run_id", run.run_id},
                              {"blueprint", session.agent_name},
                              {"status", agents::toString(run.status)},
                              {"session_status", agents::toString(session.status)},
                              {"finished", agents::isTerminal(run.status)}});
  if (!session.name.empty()) report["name"] = session.name;
  if (!session.parent_session_id.empty()) report["parent_session_id"] = session.parent_session_id;
  if (!run.resume_mode.empty()) report["resume_mode"] = run.resume_mode;
  if (!run.resume_reason.empty()) report["resume_reason"] = run.resume_reason;
  if (!agents::isTerminal(run.status)) return report;

  Result<Json> outcome = json::parse(run.outcome.empty() ? "{}" : run.outcome);
  const Json told = outcome.ok() ? std::move(*outcome) : Json(Json::object());
  report["result_text"] = nullptr;
  if (run.result_text) addText(report, *run.result_text, window);
  if (run.result_data) addData(report, *run.result_data, window);
  if (!run.error.empty() || !run.error_name.empty()) addError(report, run, told);
  copyMembers(report, told);
  return report;
}

Json runLine(const agents::Run& run) {
  return Json::object({{"session_id", run.session_id},
                       {"run_id", run.run_id},
                       {"status", agents::toString(run.status)}});
}

}  // namespace tutti::tools
