// The last record of a turn, judged.
#include <array>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/runner/drivers/claude_records.hpp"
#include "server/runner/output_check.hpp"

namespace tutti::runner {
namespace {

using agents::RunStatus;

struct Named {
  std::string_view word;
  std::string_view name;
  std::string_view hint;
};

constexpr std::array kSubtypes = {
    Named{"error_max_turns", "max_turns", "raise the blueprint's max_turns, or resume"},
    Named{"error_max_budget_usd", "max_budget", "raise the blueprint's max_budget_usd, or resume"},
    Named{"error_max_structured_output_retries", "output_schema_violation",
          "make the output_schema easier to satisfy or say more in the prompt"},
};

constexpr std::array kTerminalReasons = {
    Named{"prompt_too_long", "prompt_too_long", "send less, or begin a new session"},
    Named{"blocking_limit", "agent_rate_limited", "wait for the limit to reset"},
    Named{"image_error", "agent_invalid_request", "send a smaller or another image"},
    Named{"model_error", "agent_model_error", "choose another model"},
    Named{"hook_stopped", "agent_hook_stopped", "look at the hooks in the agent's settings"},
    Named{"max_turns", "max_turns", "raise the blueprint's max_turns, or resume"},
    Named{"budget_exhausted", "max_budget", "raise the blueprint's max_budget_usd, or resume"},
    Named{"turn_setup_failed", "agent_setup_failed", ""},
};

struct StatusName {
  int status;
  std::string_view name;
  std::string_view hint;
};
constexpr std::array kApiStatuses = {
    StatusName{400, "agent_invalid_request", ""},
    StatusName{401, "agent_auth_failed", "log the agent in, or give it a valid key"},
    StatusName{403, "agent_auth_failed", "the agent's account may not do this"},
    StatusName{404, "agent_model_not_found", "choose a model that the account may use"},
    StatusName{413, "prompt_too_long", "send less"},
    StatusName{429, "agent_rate_limited", "wait, then resume"},
    StatusName{529, "agent_overloaded", "wait, then resume"},
};

Error named(std::string_view name, std::string message, std::string_view hint) {
  return Error(Code::Internal, std::move(message), std::string(hint)).named(std::string(name));
}

std::string errorText(const Json& record, const std::string& subtype) {
  std::string text;
  if (const Json* errors = json::find(record, "errors"); errors != nullptr && errors->is_array()) {
    for (const Json& error : *errors) {
      if (error.is_string()) text += (text.empty() ? "" : "; ") + error.get<std::string>();
    }
  }
  if (text.empty()) text = json::stringOr(record, "result", "");
  return text.empty() ? "the agent's turn ended with " + subtype : text;
}

/// A turn that failed, by the most telling member first.
Error errorOf(const Json& record) {
  const std::string subtype = json::stringOr(record, "subtype", "");
  const std::string reason = json::stringOr(record, "terminal_reason", "");
  std::string text = errorText(record, subtype);
  for (const Named& known : kSubtypes) {
    if (subtype == known.word) return named(known.name, std::move(text), known.hint);
  }
  const auto status = static_cast<int>(json::integerOr(record, "api_error_status", 0));
  for (const StatusName& known : kApiStatuses) {
    if (status == known.status) return named(known.name, std::move(text), known.hint);
  }
  if (status != 0 || reason == "api_error")
    return named("agent_api_error", std::move(text), "resume to try again");
  for (const Named& known : kTerminalReasons) {
    if (reason == known.word) return named(known.name, std::move(text), known.hint);
  }
  if (reason.starts_with("aborted_"))
    return named("agent_interrupted", "the turn was interrupted (" + reason + ")",
                 "resume to go on");
  return named("agent_error", std::move(text), "");
}

/// What this turn cost: Claude's totals are of the whole process, and of earlier ones when resumed.
std::optional<double> costOf(const Json& record) {
  const Json* models = json::find(record, "model_usage_since_last_result");
  if (models == nullptr || !models->is_object()) return std::nullopt;
  double cost = 0;
  for (const Json& usage : *models) {
    if (usage.is_object()) cost += json::numberOr(usage, "costUSD", 0);
  }
  return cost;
}

std::shared_ptr<Json> particularsOf(const Json& record) {
  auto more = std::make_shared<Json>(Json::object());
  for (const char* key : {"num_turns", "usage", "permission_denials", "terminal_reason",
                          "stop_reason", "duration_ms", "api_error_status", "api_error_type"}) {
    if (const Json* found = json::find(record, key)) (*more)[key] = *found;
  }
  if (const Json* models = json::find(record, "model_usage_since_last_result"))
    (*more)["model_usage"] = *models;
  if (const auto cost = costOf(record)) (*more)["cost_usd"] = *cost;
  if (const Json* total = json::find(record, "total_cost_usd")) (*more)["cost_usd_total"] = *total;
  (*more)["result_subtype"] = json::stringOr(record, "subtype", "");
  return more;
}

RunOutcome structured(const Json& record, const Json& output_schema) {
  const auto output = record.find("structured_output");
  if (output == record.end()) {
    const std::string said = shortened(json::stringOr(record, "result", ""), 500);
    return RunOutcome::failed(named("output_schema_violation",
                                    "the agent answered in words instead of data: " + said,
                                    "say in the prompt that an answer as data is wanted"));
  }
  if (const auto error = checkOutput(output_schema, *output)) return RunOutcome::failed(*error);
  RunOutcome outcome;
  outcome.status = RunStatus::Completed;
  outcome.result_data = std::make_shared<const Json>(*output);
  return outcome;
}

}  // namespace

bool isUnknownConversation(const Json& result) {
  return result.is_object() && json::integerOr(result, "num_turns", -1) == 0 &&
         errorText(result, "").starts_with("No conversation found");
}

RunOutcome outcomeFromResult(const Json& record, const Json& output_schema, bool interrupted) {
  // "success" alone is none: an API error comes as success with is_error.
  const bool good = json::stringOr(record, "subtype", "") == "success" &&
                    !json::booleanOr(record, "is_error", false);
  RunOutcome outcome;
  if (!good) {
    outcome = RunOutcome::failed(errorOf(record));
    if (interrupted && outcome.error_name == "agent_interrupted")
      outcome.status = RunStatus::Stopped;
  } else if (!output_schema.is_null()) {
    outcome = structured(record, output_schema);
  } else {
    outcome.status = RunStatus::Completed;
    outcome.result_text = json::stringOr(record, "result", "");
  }
  outcome.more = particularsOf(record);
  return outcome;
}

}  // namespace tutti::runner
