#include "tools/route_feedback.hpp"

#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "server/routing/classifier.hpp"
#include "server/routing/router.hpp"

namespace tutti::tools {

Result<RouteFeedback::Input> RouteFeedback::decode(const Context& context, const Json& arguments) {
  Input input;
  input.decision_id = json::stringOr(arguments, "decision_id", "");
  input.right = json::stringOr(arguments, "outcome", "right") == "right";
  input.note = json::stringOr(arguments, "note", "");
  input.now = isoTimestamp(Clock::system().now());
  const std::string better = json::stringOr(arguments, "better", "");
  if (better.empty()) return input;
  if (input.right)
    return Error(Code::InvalidArgument, "better is given, and the outcome is right",
                 "give the outcome wrong, or leave better out");
  if (better == "nobody") {
    input.better = routing::kNobodyLabel;
    return input;
  }
  auto found = context.catalog.find(better);
  if (!found.ok()) return std::move(found).error();
  input.better = found->name;
  return input;
}

Result<Json> RouteFeedback::run(store::Tx& tx, const Input& input) {
  auto decision = routing::findDecision(tx, input.decision_id);
  if (!decision.ok()) return std::move(decision).error();
  routing::Feedback feedback;
  feedback.decision_id = decision->decision_id;
  feedback.request = decision->request;
  feedback.request_hash = decision->request_hash;
  feedback.agent = decision->agent;
  feedback.outcome = input.right ? "right" : "wrong";
  feedback.better = input.better;
  // Right that nobody was chosen: a lesson too.
  if (input.right && decision->agent.empty()) feedback.better = routing::kNobodyLabel;
  feedback.source = "user";
  feedback.note = input.note;
  feedback.created_at = input.now;
  feedback.teaches = !feedback.agent.empty() || !feedback.better.empty();
  routing::addFeedback(tx, feedback);
  const bool open = decision->status == routing::DecisionStatus::Dispatched;
  if (!input.right && !input.better.empty() && !open) {
    routing::changeDecision(tx, decision->decision_id,
                            {routing::DecisionStatus::Superseded, "", "", ""}, input.now);
    decision->status = routing::DecisionStatus::Superseded;
  }
  Json answer = Json::object({{"decision_id", decision->decision_id},
                              {"outcome", feedback.outcome},
                              {"learnt", feedback.teaches},
                              {"status", routing::toString(decision->status)}});
  if (!feedback.agent.empty()) answer["agent"] = feedback.agent;
  if (!input.better.empty()) answer["better"] = input.better;
  return answer;
}

void RouteFeedback::handle(const Context& context, const CallPtr& call) {
  auto input = decode(context, call->arguments());
  if (!input.ok()) return call->finish(std::move(input).error());
  write<Json>(
      context, [input = std::move(*input)](store::Tx& tx) { return run(tx, input); },
      [&context, call](Result<Json> answer) {
        if (!answer.ok()) return call->finish(std::move(answer).error());
        context.router->storeChanged();
        call->finish(mcp::ToolOutput{std::move(*answer), {}});
      });
}

}  // namespace tutti::tools
