#include "tools/explain_route.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "tools/route_report.hpp"

namespace tutti::tools {

ExplainRoute::Input ExplainRoute::decode(const Json& arguments) {
  Input input;
  input.decision_id = json::stringOr(arguments, "decision_id", "");
  const std::string status = json::stringOr(arguments, "status", "");
  if (!status.empty()) input.filter.status = routing::parseDecisionStatus(status);
  input.filter.agent = json::stringOr(arguments, "agent", "");
  input.filter.strategy = json::stringOr(arguments, "strategy", "");
  input.filter.session_id = json::stringOr(arguments, "session_id", "");
  input.filter.caller_session_id = json::stringOr(arguments, "caller_session_id", "");
  input.filter.before = json::stringOr(arguments, "cursor", "");
  input.filter.count_max = json::integerOr(arguments, "limit", 20);
  return input;
}

Result<Json> ExplainRoute::run(store::Connection& db, const Input& input) {
  if (!input.decision_id.empty()) {
    auto decision = routing::findDecision(db, input.decision_id);
    if (!decision.ok()) return std::move(decision).error();
    return Json::object(
        {{"decision", decisionReport(*decision, routing::attemptsOf(db, input.decision_id),
                                     routing::feedbackOf(db, input.decision_id))}});
  }
  auto page = routing::listDecisions(db, input.filter);
  if (!page.ok()) return std::move(page).error();
  Json decisions = Json::array();
  for (const routing::StoredDecision& one : page->decisions) decisions.push_back(decisionLine(one));
  Json answer = Json::object({{"decisions", std::move(decisions)}});
  if (!page->next.empty()) answer["next_cursor"] = page->next;
  return answer;
}

void ExplainRoute::handle(const Context& context, const CallPtr& call) {
  auto answer = std::make_shared<Result<Json>>(Json());
  Input input = decode(call->arguments());
  // Decisions bear blueprints' own names, and outlive blueprints: what is no name stays as it is.
  if (!input.filter.agent.empty())
    if (auto found = context.catalog.find(input.filter.agent); found.ok())
      input.filter.agent = found->name;
  context.store.read(
      [input = std::move(input), answer](store::Connection& db) -> Status {
        *answer = run(db, input);
        return ok();
      },
      [post = context.post, call = call, answer](Status status) mutable {
        post([call = std::move(call), answer, status = std::move(status)] {
          if (!status.ok()) return call->finish(status.error());
          if (!answer->ok()) return call->finish(answer->error());
          const Json* one = json::find(**answer, "decision");
          std::string text = one != nullptr ? decisionText(*one) : decisionsText(**answer);
          call->finish(mcp::ToolOutput{std::move(**answer), std::move(text)});
        });
      });
}

}  // namespace tutti::tools
