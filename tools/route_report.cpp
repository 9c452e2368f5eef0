#include "tools/route_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "server/agents/sessions.hpp"
#include "server/base/clock.hpp"
#include "server/base/text.hpp"
#include "tools/route_plan.hpp"
#include "tools/run_report.hpp"

namespace tutti::tools {
namespace {
constexpr std::size_t kRequestShownBytes = 200;
constexpr std::size_t kLineBytesMax = 2000;
/// Of the results of all parts together; get_result has the whole of each.
constexpr std::int64_t kResultsBytesMax = 200'000;
constexpr std::size_t kResultShownBytes = 4000;

Json attemptJson(const routing::Attempt& attempt, const RoutePlan& plan) {
  Json json = Json::object({{"agent", attempt.agent},
                            {"session_id", attempt.session_id},
                            {"run_id", attempt.run_id},
                            {"outcome", attempt.outcome}});
  if (!attempt.error_name.empty() || !attempt.error.empty())
    json["error"] = Json::object({{"name", attempt.error_name}, {"message", attempt.error}});
  const RoutePart* part = partOf(plan, attempt);
  if (part != nullptr && !part->title.empty()) json["part"] = part->title;
  return json;
}

Json feedbackJson(const routing::Feedback& feedback) {
  Json json = Json::object({{"outcome", feedback.outcome},
                            {"source", feedback.source},
                            {"agent", feedback.agent},
                            {"created_at", feedback.created_at},
                            {"learnt", feedback.teaches}});
  if (!feedback.better.empty()) json["better"] = feedback.better;
  if (!feedback.note.empty()) json["note"] = feedback.note;
  return json;
}

std::string oneLine(std::string text, std::size_t bytes_max) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return shortened(text, bytes_max);
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%3.0f %%", share * 100);
  return text.data();
}

std::string joinedMember(const Json& object, const char* key) {
  const auto words = json::readStrings(object, key);
  return words.ok() && *words ? joined(**words) : std::string();
}

std::string strategyText(const Json& report) {
  const Json* strategy = json::find(report, "strategy");
  if (strategy == nullptr || !strategy->is_object()) return {};
  const std::string type = json::stringOr(*strategy, "type", "");
  const std::string agent = json::stringOr(report, "agent", "");
  std::string text = type == "clarify" ? "Nobody is chosen: " : type + ": ";
  if (type == "multi_agent")
    text += json::stringOr(*strategy, "workflow", "") + ", led by " + agent + " (" +
            joinedMember(*strategy, "agents") + ")";
  if (type == "research_swarm") text += joinedMember(*strategy, "agents");
  if (type == "skill_execution") text += json::stringOr(*strategy, "skill", "") + " by " + agent;
  if (type == "single_agent") text += agent;
  if (type == "clarify") text += json::stringOr(*strategy, "question", "");
  const std::string reason = json::stringOr(*strategy, "reason", "");
  return text + "\n" + (reason.empty() ? "" : "  " + reason + "\n");
}

std::string candidatesText(const Json& report) {
  const Json* candidates = json::find(report, "candidates");
  if (candidates == nullptr || !candidates->is_array() || candidates->empty()) return {};
  std::size_t width = 0;
  for (const Json& one : *candidates)
    width = std::max(width, json::stringOr(one, "agent", "").size());
  std::string text = "\nCandidates:\n";
  std::set<std::string> told;
  constexpr std::size_t kRepeatedMax = 60;  // a longer one is told once
  for (const Json& one : *candidates) {
    const bool chosen = json::booleanOr(one, "chosen", false);
    std::string why = json::stringOr(one, chosen ? "reason" : "why_not", "");
    if (!told.insert(why).second && why.size() > kRepeatedMax) why = "(as above)";
    text += std::string(chosen ? "* " : "  ") + percent(json::numberOr(one, "score", 0)) + "  " +
            padded(json::stringOr(one, "agent", ""), width) + "  " + oneLine(why, 240) + "\n";
  }
  return text;
}

/// "intent" and the like: {value, confidence}.
std::string findingText(const Json& analysis, const char* key) {
  const Json* finding = json::find(analysis, key);
  if (finding == nullptr || !finding->is_object()) return {};
  return json::stringOr(*finding, "value", "");
}

std::string analysisText(const Json& report) {
  const Json* analysis = json::find(report, "analysis");
  if (analysis == nullptr || !analysis->is_object()) return {};
  std::string text;
  const auto add = [&text](const std::string& name, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : ", ") + name + " " + value;
  };
  add("intent", findingText(*analysis, "intent"));
  add("complexity", findingText(*analysis, "complexity"));
  add("urgency", findingText(*analysis, "urgency"));
  std::vector<std::string> domains;
  if (const Json* found = json::find(*analysis, "domains"); found != nullptr && found->is_array())
    for (const Json& one : *found) domains.push_back(json::stringOr(one, "value", ""));
  add("about", domains.empty() ? "" : joined(domains));
  std::vector<std::string> signals;
  if (const Json* found = json::find(*analysis, "signals"); found != nullptr && found->is_array())
    for (const Json& one : *found)
      if (json::numberOr(one, "confidence", 0) > 0)
        signals.push_back(json::stringOr(one, "value", ""));
  add("signals", signals.empty() ? "" : joined(signals));
  return text.empty() ? "" : "\nRead as: " + text + "\n";
}

std::string embeddingsText(const Json& report) {
  const Json* embeddings = json::find(report, "embeddings");
  if (embeddings == nullptr || json::booleanOr(*embeddings, "used", true)) return {};
  return "\nThe words alone decided: " +
         oneLine(json::stringOr(*embeddings, "reason", ""), kLineBytesMax) + "\n";
}

std::string judgedText(const Json& report) {
  const Json* judged = json::find(report, "judged");
  const Json* not_judged = json::find(report, "not_judged");
  const Json* told = judged != nullptr ? judged : not_judged;
  if (told == nullptr || !told->is_object()) return {};
  const std::string by = json::stringOr(*told, "by", "");
  const std::string reason = oneLine(json::stringOr(*told, "reason", ""), kLineBytesMax);
  const std::string session = json::stringOr(*told, "session_id", "");
  const std::string where = session.empty() ? "" : " (session " + session + ")";
  if (judged == nullptr) return "\nNot judged by " + by + ": " + reason + where + "\n";
  const auto sure = static_cast<int>(json::numberOr(*judged, "confidence", 0) * 100 + 0.5);
  return "\nAsked " + by + ", since " + json::stringOr(*judged, "because", "") + where + ":\n  " +
         json::stringOr(*judged, "agent", "") + ", " + std::to_string(sure) + " % sure: " + reason +
         "\n";
}

std::string sessionsText(const Json& report) {
  const Json* sessions = json::find(report, "sessions");
  if (sessions == nullptr || !sessions->is_array()) return {};
  std::string text;
  for (const Json& one : *sessions) {
    text += "Started: " + json::stringOr(one, "agent", "") + " in session " +
            json::stringOr(one, "session_id", "") + " (" + json::stringOr(one, "outcome", "") + ")";
    if (const Json* error = json::find(one, "error"))
      text += ": " + json::stringOr(*error, "name", "") + " " +
              oneLine(json::stringOr(*error, "message", ""), 300);
    text += "\n";
  }
  return text.empty() ? "" : "\n" + text;
}

std::string stagesText(const Json& report) {
  const Json* stages = json::find(report, "stages");
  if (stages == nullptr || !stages->is_array()) return {};
  std::string text;
  for (const Json& stage : *stages) {
    const Json* parts = json::find(stage, "parts");
    if (parts == nullptr || !parts->is_array()) continue;
    for (const Json& part : *parts)
      text += "  " + padded(json::stringOr(part, "state", ""), 10) + "  " +
              json::stringOr(part, "title", "") + ", " + json::stringOr(part, "agent", "") + "\n";
  }
  return text.empty() ? "" : "\nParts, in order:\n" + text;
}

std::string resultsText(const Json& report) {
  const Json* results = json::find(report, "results");
  if (results == nullptr || !results->is_array()) return {};
  std::string text;
  for (const Json& one : *results) {
    std::string what = json::stringOr(one, "result_text", "");
    const Json* data = json::find(one, "result_data");
    if (what.empty() && data != nullptr) what = json::dump(*data);
    const std::string title = json::stringOr(one, "title", "");
    text += "\nResult of " + json::stringOr(one, "agent", "") +
            (title.empty() ? "" : " (" + title + ")") + ":\n" +
            shortened(what.empty() ? json::stringOr(one, "status", "") : what, kResultShownBytes) +
            "\n";
  }
  return text;
}
}  // namespace

Json decisionReport(const routing::StoredDecision& decision,
                    const std::vector<routing::Attempt>& attempts,
                    const std::vector<routing::Feedback>& feedback) {
  Result<Json> answer = json::parse(decision.answer);
  Json report = answer.ok() && answer->is_object() ? std::move(*answer) : Json::object();
  report["decision_id"] = decision.decision_id;
  report["status"] = routing::toString(decision.status);
  report["request"] = decision.request;
  report["created_at"] = decision.created_at;
  report["updated_at"] = decision.updated_at;
  if (!decision.agent.empty()) report["agent"] = decision.agent;
  if (!decision.caller_session_id.empty()) report["caller_session_id"] = decision.caller_session_id;
  if (!decision.problem.empty()) report["problem"] = decision.problem;
  if (!decision.hint.empty()) report["hint"] = decision.hint;
  if (const routing::StartWait& wait = decision.waiting; wait.since_ms > 0) {
    const WallTime since{std::chrono::milliseconds(wait.since_ms)};
    report["waiting"] = Json::object({{"since", isoTimestamp(since)}, {"reason", wait.why}});
  }
  const RoutePlan plan = planFrom(decision.dispatch);
  if (Json stages = stagesJson(plan, attempts); !stages.empty())
    report["stages"] = std::move(stages);
  if (!attempts.empty()) report["sessions"] = Json::array();
  for (const routing::Attempt& one : attempts) report["sessions"].push_back(attemptJson(one, plan));
  if (!feedback.empty()) report["feedback"] = Json::array();
  for (const routing::Feedback& one : feedback) report["feedback"].push_back(feedbackJson(one));
  return report;
}

Json partResults(store::Connection& db, const routing::StoredDecision& decision,
                 const std::vector<routing::Attempt>& attempts) {
  const RoutePlan plan = planFrom(decision.dispatch);
  std::map<std::pair<std::int64_t, std::int64_t>, const routing::Attempt*> newest;
  for (const routing::Attempt& one : attempts) newest[{one.stage, one.part}] = &one;
  ResultWindow window;
  const auto parts = static_cast<std::int64_t>(std::max<std::size_t>(newest.size(), 1));
  window.size_max = std::min(window.size_max, kResultsBytesMax / parts);
  Json results = Json::array();
  for (const auto& [place, attempt] : newest) {
    const auto run = agents::findRun(db, attempt->run_id);
    const auto session = agents::findSession(db, attempt->session_id);
    if (!run.ok() || !session.ok()) continue;  // deleted meanwhile: the decision still tells
    Json report = runReport(*session, *run, window);
    report["agent"] = attempt->agent;
    const RoutePart* part = partOf(plan, *attempt);
    report["title"] = part == nullptr ? "" : part->title;
    results.push_back(std::move(report));
  }
  return results;
}

Json decisionLine(const routing::StoredDecision& decision) {
  Json line = Json::object({{"decision_id", decision.decision_id},
                            {"created_at", decision.created_at},
                            {"status", routing::toString(decision.status)},
                            {"strategy", decision.strategy},
                            {"request", oneLine(decision.request, kRequestShownBytes)}});
  if (!decision.agent.empty()) line["agent"] = decision.agent;
  if (!decision.problem.empty()) line["problem"] = decision.problem;
  return line;
}

Json routeOfRun(store::Connection& db, std::string_view run_id) {
  const auto attempt = routing::attemptOfRun(db, run_id);
  if (!attempt) return Json();
  const auto decision = routing::findDecision(db, attempt->decision_id);
  if (!decision.ok()) return Json();
  Json route = Json::object(
      {{"decision_id", decision->decision_id}, {"status", routing::toString(decision->status)}});
  for (const routing::Attempt& one : routing::attemptsOf(db, decision->decision_id)) {
    const bool further =
        one.seq > attempt->seq && one.stage == attempt->stage && one.part == attempt->part;
    if (!further) continue;
    route["agent"] = one.agent;
    route["session_id"] = one.session_id;
  }
  if (!decision->problem.empty()) route["problem"] = decision->problem;
  if (!decision->hint.empty()) route["hint"] = decision->hint;
  return route;
}

std::string decisionText(const Json& report) {
  std::string text = strategyText(report) + judgedText(report) + candidatesText(report) +
                     analysisText(report) + embeddingsText(report) + stagesText(report) +
                     sessionsText(report) + resultsText(report);
  const auto line = [&text](const std::string& name, const std::string& value) {
    if (!value.empty()) text += name + oneLine(value, kLineBytesMax) + "\n";
  };
  if (const std::string status = json::stringOr(report, "status", ""); status != "decided")
    line("Status: ", status);
  if (const Json* wait = json::find(report, "waiting"))
    line("Waiting: ", json::stringOr(*wait, "reason", ""));
  line("Problem: ", json::stringOr(report, "problem", ""));
  line("What to do: ", json::stringOr(report, "hint", ""));
  line("Note: ", json::stringOr(report, "note", ""));
  if (const Json* all = json::find(report, "feedback"); all != nullptr && all->is_array())
    for (const Json& one : *all) {
      const std::string better = json::stringOr(one, "better", "");
      line("Feedback: ", json::stringOr(one, "outcome", "") + " (by a " +
                             json::stringOr(one, "source", "") + ")" +
                             (better.empty() ? "" : ", better " + better));
    }
  line("Decision ", json::stringOr(report, "decision_id", ""));
  return text;
}

std::string decisionsText(const Json& answer) {
  std::string text;
  if (const Json* all = json::find(answer, "decisions"); all != nullptr && all->is_array())
    for (const Json& one : *all)
      text += json::stringOr(one, "decision_id", "") + "  " +
              json::stringOr(one, "created_at", "").substr(0, 19) + "  " +
              padded(json::stringOr(one, "status", ""), 14) + "  " +
              padded(json::stringOr(one, "agent", "-"), 24) + "  " +
              oneLine(json::stringOr(one, "request", ""), 80) + "\n";
  return text.empty() ? "no decisions\n" : text;
}

}  // namespace tutti::tools
