// Starting whom a decision has chosen: what is told to each, and the rows in one transaction.
#pragma once

#include <string>
#include <vector>

#include "server/routing/decider.hpp"
#include "server/routing/decisions.hpp"
#include "tools/context.hpp"
#include "tools/start_agent.hpp"

namespace tutti::tools {

/// How the agents of a decision are to be started.
struct DispatchOptions {
  std::string request, context;
  std::string project_dir, name, model, parent_session_id;
  std::int64_t attempts_max = 3;  ///< agents that are tried, the first included
};

struct PreparedStart {
  agents::NewSession session;
  std::string agent;
};

/// What is to be written for a decision that is dispatched.
struct Dispatch {
  std::vector<PreparedStart> starts;  ///< none when nobody was chosen
  std::string kept;                   ///< JSON for StoredDecision::dispatch
  std::int64_t attempts_max = 1;      ///< of the decision: all its starts
  std::string note;                   ///< what the caller should know, for people
};

/// Prepares every start, so that nothing is begun when one cannot be. single_agent and
/// skill_execution start the agent; research_swarm the first researcher of each cluster;
/// multi_agent the first agent of the workflow as lead, who is told of the further steps: nothing
/// here runs these. Errors: those of StartAgent::prepare().
Result<Dispatch> prepareDispatch(const Context& context, const routing::RouteDecision& decision,
                                 const DispatchOptions& options, const mcp::Caller& caller);

/// Starts the sessions and notes the attempts. Errors: those of agents::startSession().
Result<std::vector<routing::Attempt>> startAll(store::Tx& tx, const std::string& decision_id,
                                               const std::vector<PreparedStart>& starts,
                                               const agents::SessionLimits& limits);

/// What a further attempt is made from; "" members where they do not apply.
struct KeptDispatch {
  std::vector<std::string> others;  ///< agents to try, best first
  std::string project_dir, model, parent_session_id;
};
std::string toText(const KeptDispatch& kept);
KeptDispatch keptFrom(const std::string& text);

/// The prompt of a further attempt: that of the failed one, and what happened to it.
std::string handOver(const std::string& prompt, const routing::Attempt& failed);

/// Prepares the start of `agent` with `prompt` as a further attempt.
Result<PreparedStart> prepareNext(const Context& context, const std::string& agent,
                                  const std::string& prompt, const KeptDispatch& kept);

}  // namespace tutti::tools
