// `tutti route`: asking the routing engine, looking at its decisions, telling it what was right.
#include <nlohmann/json.hpp>

#include "server/cli/local_client.hpp"
#include "server/cli/print.hpp"
#include "server/cli/route.hpp"
#include "tools/route_report.hpp"

namespace tutti::cli {
namespace {

/// One tool call, shown by `show` or as JSON.
int callAndShow(const Settings& settings, const char* tool, Json arguments, Format format,
                std::string (*show)(const Json&)) {
  Settings with_routing = settings;
  with_routing.toolsets = "all";  // the command is not a question of what clients are offered
  auto client = LocalClient::open(with_routing);
  if (!client.ok()) return printError(client.error());
  const Answer answer = (*client)->call(tool, std::move(arguments));
  (*client)->close();
  if (!answer.error.is_null()) return printToolError(answer.error);
  if (format == Format::Json) return printJson(answer.result);
  return printOut(show(answer.result)) ? 0 : 1;
}

std::string explained(const Json& answer) {
  const Json* one = json::find(answer, "decision");
  if (one == nullptr) return tools::decisionsText(answer);
  return "Request: " + oneLine(json::stringOr(*one, "request", ""), 200) + "\n" +
         tools::decisionText(*one);
}

std::string thanked(const Json& answer) {
  const std::string better = json::stringOr(answer, "better", "");
  const std::string note = json::stringOr(answer, "note", "");
  return (note.empty() ? "learnt: " : "") + json::stringOr(answer, "outcome", "") +
         (better.empty() ? "" : ", better " + better) + (note.empty() ? "" : ": " + note) + "\n";
}

}  // namespace

int runRoute(const Settings& settings, const RouteAskRequest& request) {
  Json arguments = Json::object({{"request", request.request}});
  if (!request.context.empty()) arguments["context"] = request.context;
  if (!request.candidates.empty()) arguments["candidates"] = request.candidates;
  if (request.dispatch) arguments["dispatch"] = true;
  if (request.dry_run) arguments["dry_run"] = true;
  if (request.ask_agent) arguments["ask_agent"] = *request.ask_agent;
  if (!request.project_dir.empty()) arguments["project_dir"] = request.project_dir;
  return callAndShow(settings, "route_request", std::move(arguments), request.format,
                     tools::decisionText);
}

int runRouteExplain(const Settings& settings, const RouteExplainRequest& request) {
  Json arguments = Json::object();
  if (!request.decision_id.empty()) arguments["decision_id"] = request.decision_id;
  return callAndShow(settings, "explain_route", std::move(arguments), request.format, explained);
}

int runRouteFeedback(const Settings& settings, const RouteFeedbackRequest& request) {
  Json arguments =
      Json::object({{"decision_id", request.decision_id}, {"outcome", request.outcome}});
  if (!request.better.empty()) arguments["better"] = request.better;
  return callAndShow(settings, "route_feedback", std::move(arguments), request.format, thanked);
}

}  // namespace tutti::cli
