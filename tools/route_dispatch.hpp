// Starting whom a decision has chosen: the plan of it, what is told to each, and the rows in one
// transaction.
#pragma once

#include <string>
#include <vector>

#include "server/routing/decider.hpp"
#include "server/routing/decisions.hpp"
#include "tools/context.hpp"
#include "tools/route_plan.hpp"
#include "tools/start_agent.hpp"

namespace tutti::tools {

/// How the agents of a decision are to be started.
struct DispatchOptions {
  std::string request, context;
  std::string project_dir, name, model, parent_session_id;
  /// For a part, the first included; what goes beyond one is shared by all parts.
  std::int64_t attempts_max = 3;
};

struct PreparedStart {
  agents::NewSession session;
  std::string agent;
  std::int64_t stage = 0;  ///< of the decision's plan
  std::int64_t part = 0;
};

/// What is to be written for a decision that is dispatched.
struct Dispatch {
  std::vector<PreparedStart> starts;  ///< of the first stage; none when nobody was chosen
  std::string kept;                   ///< JSON for StoredDecision::dispatch
  std::int64_t attempts_max = 1;      ///< of the decision: all its parts, and the further attempts
  std::string note;                   ///< what the caller should know, for people
};

/// The stages of a strategy: gates that look first, then the work (one agent; the steps of a
/// workflow, each a stage; the researchers of a swarm side by side, then its coordinator), then
/// gates that look after it. A gate whose agent may not be chosen is left out. Errors:
/// InvalidArgument "too_many_stages" past kStagesMax or kPartsMax.
Result<RoutePlan> planOf(const routing::RouteDecision& decision, const DispatchOptions& options);

/// Prepares the starts of the first stage and keeps what the further ones take, so that nothing is
/// begun when one cannot be. Errors: those of planOf() and of StartAgent::prepare();
/// InvalidArgument "blueprints_too_large" when the blueprints of its parts are beyond
/// kBlueprintsBytesMax.
Result<Dispatch> prepareDispatch(const Context& context, const routing::RouteDecision& decision,
                                 const DispatchOptions& options, const mcp::Caller& caller);

/// Starts the sessions and notes the attempts. Errors: those of agents::startSession().
Result<std::vector<routing::Attempt>> startAll(store::Tx& tx, const std::string& decision_id,
                                               const std::vector<PreparedStart>& starts,
                                               const agents::SessionLimits& limits);

/// What a part that has ended hands over to the next ones.
struct PartResult {
  std::string title, agent, session_id;
  std::string problem;  ///< why it failed; "" when it did not
  std::string text;     ///< its result
};

/// What an agent is asked when its part begins: the request, its part, and what came of the parts
/// before it, each cut where it is long, with the session that has the whole.
std::string promptFor(const RoutePlan& plan, const RoutePart& part,
                      const std::vector<PartResult>& results);

/// The prompt of a further attempt: that of the failed one, and what happened to it.
std::string handOver(const std::string& prompt, const routing::Attempt& failed);

/// Prepares the start of `agent` with `prompt`, by the blueprint that the plan has kept, else by
/// the one that is known here. Errors: those of StartAgent::prepare().
Result<PreparedStart> prepareStart(const Context& context, const RoutePlan& plan,
                                   const std::string& agent, const std::string& prompt);

}  // namespace tutti::tools
