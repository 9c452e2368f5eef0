#include "tools/route_feedback.hpp"

#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "server/routing/agent_model.hpp"
#include "server/routing/router.hpp"
#include "tools/handle.hpp"

namespace tutti::tools {
namespace {

bool hasOneAgent(const routing::StoredDecision& decision) {
  return decision.strategy != "multi_agent" && decision.strategy != "research_swarm";
}

/// Why nothing is learnt from what was said.
std::string whyNotLearnt(const routing::Feedback& feedback) {
  if (!feedback.teaches)
    return "kept, and nothing is learnt: it does not say which one agent the request is for";
  return "kept, and nothing is learnt now: there are no two agents to tell apart, or those that it "
         "names are not there";
}

/// What is said of the decision, as it is to be kept.
routing::Feedback keptFeedback(const routing::StoredDecision& decision,
                               const RouteFeedback::Input& input) {
  routing::Feedback feedback;
  feedback.decision_id = decision.decision_id;
  feedback.request = decision.request;
  feedback.request_hash = decision.request_hash;
  feedback.agent = decision.agent;
  feedback.outcome = input.right ? "right" : "wrong";
  feedback.better = input.better;
  // Right that nobody was chosen: a lesson too.
  if (input.right && decision.agent.empty()) feedback.better = routing::kNobodyIsBetter;
  feedback.source = "user";
  feedback.note = input.note;
  feedback.created_at = input.now;
  const bool of_agent = !feedback.agent.empty() && hasOneAgent(decision);
  feedback.teaches = of_agent || !feedback.better.empty();
  return feedback;
}

/// What an earlier call with the same key has said, if there was one and it is still kept.
Result<std::optional<routing::Feedback>> earlierFeedback(store::Connection& db,
                                                         const RouteFeedback::Input& input) {
  if (input.idempotency_key.empty()) return std::optional<routing::Feedback>();
  auto known = agents::findIdempotent(db, RouteFeedback::kName, input.idempotency_key, input.body);
  if (!known.ok()) return std::move(known).error();
  if (!*known) return std::optional<routing::Feedback>();
  for (routing::Feedback& one : routing::feedbackOf(db, input.decision_id))
    if (std::to_string(one.seq) == **known) return std::optional(std::move(one));
  return Error(Code::NotFound,
               "what was said with the idempotency_key '" + input.idempotency_key +
                   "' is kept no more",
               "use a new key to say it again")
      .named("feedback_gone");
}

Json answerOf(const RouteFeedback::Output& output, const std::vector<routing::AgentTexts>& agents) {
  const routing::Feedback& feedback = output.feedback;
  const bool learnt = routing::teaches(feedback, agents);
  Json answer = Json::object({{"decision_id", feedback.decision_id},
                              {"outcome", feedback.outcome},
                              {"learnt", learnt},
                              {"status", routing::toString(output.status)}});
  if (!feedback.agent.empty()) answer["agent"] = feedback.agent;
  if (!feedback.better.empty()) answer["better"] = feedback.better;
  if (!learnt) answer["note"] = whyNotLearnt(feedback);
  return answer;
}
}  // namespace

Result<RouteFeedback::Input> RouteFeedback::decode(const Context& context, const Json& arguments) {
  Input input;
  input.decision_id = json::stringOr(arguments, "decision_id", "");
  input.right = json::stringOr(arguments, "outcome", "right") == "right";
  input.note = json::stringOr(arguments, "note", "");
  input.now = isoTimestamp(Clock::system().now());
  input.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  if (!input.idempotency_key.empty()) input.body = bodyWithoutKey(arguments);
  const std::string better = json::stringOr(arguments, "better", "");
  if (better.empty()) return input;
  if (input.right)
    return Error(Code::InvalidArgument, "better is given, and the outcome is right",
                 "give the outcome wrong, or leave better out");
  auto found = context.catalog.find(better);
  if (better == routing::kNobodyIsBetter || (better == "nobody" && !found.ok())) {
    input.better = routing::kNobodyIsBetter;
    return input;
  }
  if (!found.ok()) return std::move(found).error();
  input.better = found->name;
  return input;
}

Result<RouteFeedback::Output> RouteFeedback::run(store::Tx& tx, const Input& input) {
  auto decision = routing::findDecision(tx, input.decision_id);
  if (!decision.ok()) return std::move(decision).error();
  auto known = earlierFeedback(tx, input);
  if (!known.ok()) return std::move(known).error();
  if (*known) return Output{std::move(**known), decision->status};
  routing::Feedback feedback = keptFeedback(*decision, input);
  if (!feedback.better.empty() && feedback.better == feedback.agent && hasOneAgent(*decision))
    return Error(Code::InvalidArgument,
                 "better names " + feedback.better + ", and that is the agent that was chosen",
                 "give the outcome right, or name another agent")
        .named("better_is_chosen");
  const bool open = decision->status == routing::DecisionStatus::Dispatched;
  if (!input.right && !input.better.empty() && !open) {
    decision->status = routing::DecisionStatus::Superseded;
    routing::changeDecision(tx, decision->decision_id,
                            {decision->status, "", decision->problem, decision->hint}, input.now);
  }
  Output output{routing::addFeedback(tx, std::move(feedback)), decision->status};
  if (!input.idempotency_key.empty())
    agents::saveIdempotent(tx, kName, input.idempotency_key, input.body,
                           std::to_string(output.feedback.seq), input.now);
  return output;
}

void RouteFeedback::handle(const Context& context, const CallPtr& call) {
  auto input = decode(context, call->arguments());
  if (!input.ok()) return call->finish(std::move(input).error());
  write<Output>(
      context, [input = std::move(*input)](store::Tx& tx) { return run(tx, input); },
      [&context, call](Result<Output> output) {
        if (!output.ok()) return call->finish(std::move(output).error());
        context.router->storeChanged();
        const auto agents = routing::textsOf(context.catalog.list());
        call->finish(mcp::ToolOutput{answerOf(*output, agents), {}});
      });
}

}  // namespace tutti::tools
