#include "tools/route_dispatch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"

namespace tutti::tools {
namespace {
constexpr std::size_t kErrorToldBytes = 2000;

/// Who is started first, with what to do.
struct Start {
  std::string agent;
  std::string prompt;
};

std::string task(const DispatchOptions& options) {
  if (options.context.empty()) return options.request;
  return options.request + "\n\nContext:\n" + options.context;
}

std::string gatesText(const routing::Strategy& strategy) {
  std::string text;
  for (const routing::Gate& gate : strategy.gates)
    text += "- " + gate.agent + ": " + gate.action +
            (gate.at == routing::GateRule::At::Start ? " (before the work)" : " (at the end)") +
            "\n";
  return text.empty() ? text : "\nThese must look too:\n" + text;
}

std::string leadPrompt(const routing::Strategy& strategy, const DispatchOptions& options) {
  std::string text = task(options) + "\n\n---\nYou lead the workflow '" + strategy.workflow +
                     "'. Its steps, in order:\n";
  int number = 0;
  for (const routing::WorkflowStep& step : strategy.steps)
    text += std::to_string(++number) + ". " +
            (step.agent.empty() ? std::string("you") : step.agent) + ": " + step.action + "\n";
  text += gatesText(strategy);
  return text +
         "\nNothing else runs these steps. Do your own, then start the other agents one after the "
         "other (start_agent, get_result), or do their steps yourself where that is not possible, "
         "and report on each step." +
         (strategy.rollback ? " If a step fails, undo the finished ones." : "");
}

std::string researchPrompt(const routing::SwarmCluster& cluster, const DispatchOptions& options) {
  if (cluster.domain.empty()) return task(options);
  return task(options) + "\n\n---\nOthers research this too. Your part is what concerns " +
         cluster.domain +
         ": give findings with their sources, recommendations by priority, and how sure you are.";
}

std::string withGates(const routing::Strategy& strategy, const DispatchOptions& options) {
  const std::string gates = gatesText(strategy);
  return task(options) + (gates.empty() ? "" : "\n\n---" + gates);
}

std::vector<Start> startsOf(const routing::RouteDecision& decision,
                            const DispatchOptions& options) {
  using routing::StrategyType;
  const routing::Strategy& strategy = decision.strategy;
  std::vector<Start> starts;
  switch (strategy.type) {
    case StrategyType::SingleAgent:
    case StrategyType::SkillExecution:
      starts.push_back({decision.agent, withGates(strategy, options)});
      break;
    case StrategyType::MultiAgent:
      starts.push_back({decision.agent, leadPrompt(strategy, options)});
      break;
    case StrategyType::ResearchSwarm:
      for (const routing::SwarmCluster& cluster : strategy.clusters)
        if (!cluster.agents.empty())
          starts.push_back({cluster.agents.front(), researchPrompt(cluster, options)});
      break;
    case StrategyType::Clarify:
      break;
  }
  return starts;
}

std::string noteOf(const routing::Strategy& strategy, const std::vector<Start>& starts) {
  using routing::StrategyType;
  if (strategy.type == StrategyType::Clarify)
    return "nothing was started: answer the question and route again";
  if (strategy.type == StrategyType::MultiAgent && !starts.empty())
    return "only the lead, " + starts.front().agent +
           ", was started: no workflow engine runs the further steps, the lead was told of them";
  if (strategy.type == StrategyType::ResearchSwarm)
    return "one researcher of each domain was started; bringing their results together is yours";
  if (!strategy.gates.empty())
    return "nothing starts the further agents that the rules ask for; " + starts.front().agent +
           " was told of them";
  return {};
}

StartAgent::Input inputFor(const Start& start, const KeptDispatch& kept) {
  StartAgent::Input input;
  input.blueprint = start.agent;
  input.parameters = Json::object({{"prompt", start.prompt}});
  input.project_dir = kept.project_dir;
  input.model = kept.model;
  input.parent_session_id = kept.parent_session_id;
  return input;
}
}  // namespace

std::string toText(const KeptDispatch& kept) {
  return json::dump(Json::object({{"others", kept.others},
                                  {"project_dir", kept.project_dir},
                                  {"model", kept.model},
                                  {"parent_session_id", kept.parent_session_id}}));
}

KeptDispatch keptFrom(const std::string& text) {
  const auto parsed = json::parse(text);
  KeptDispatch kept;
  if (!parsed.ok() || !parsed->is_object()) return kept;
  auto others = json::readStrings(*parsed, "others");
  if (others.ok() && *others) kept.others = std::move(**others);
  kept.project_dir = json::stringOr(*parsed, "project_dir", "");
  kept.model = json::stringOr(*parsed, "model", "");
  kept.parent_session_id = json::stringOr(*parsed, "parent_session_id", "");
  return kept;
}

Result<Dispatch> prepareDispatch(const Context& context, const routing::RouteDecision& decision,
                                 const DispatchOptions& options, const mcp::Caller& caller) {
  const std::vector<Start> starts = startsOf(decision, options);
  if (starts.size() > 1 && !options.name.empty())
    return Error(Code::InvalidArgument,
                 "a name is given, and " + std::to_string(starts.size()) + " agents are started",
                 "leave name out");
  KeptDispatch kept;
  kept.others = decision.others;
  kept.project_dir = options.project_dir;
  kept.model = options.model;
  kept.parent_session_id =
      options.parent_session_id.empty() ? caller.agent_session_id : options.parent_session_id;
  Dispatch dispatch;
  for (const Start& start : starts) {
    StartAgent::Input input = inputFor(start, kept);
    input.name = options.name;
    auto session = StartAgent::prepare(context, input, caller);
    if (!session.ok()) return std::move(session).error();
    kept.project_dir = session->project_dir;
    dispatch.starts.push_back({std::move(*session), start.agent});
  }
  const auto count = static_cast<std::int64_t>(dispatch.starts.size());
  dispatch.attempts_max = std::max<std::int64_t>(count, 1) + options.attempts_max - 1;
  dispatch.kept = toText(kept);
  dispatch.note = noteOf(decision.strategy, starts);
  return dispatch;
}

Result<std::vector<routing::Attempt>> startAll(store::Tx& tx, const std::string& decision_id,
                                               const std::vector<PreparedStart>& starts,
                                               const agents::SessionLimits& limits) {
  std::vector<routing::Attempt> attempts;
  for (const PreparedStart& start : starts) {
    auto started = agents::startSession(tx, start.session, limits);
    if (!started.ok()) return std::move(started).error();
    routing::Attempt attempt;
    attempt.decision_id = decision_id;
    attempt.agent = start.agent;
    attempt.session_id = started->session.session_id;
    attempt.run_id = started->run.run_id;
    attempt.started_at = start.session.now;
    routing::addAttempt(tx, attempt);
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

std::string handOver(const std::string& prompt, const routing::Attempt& failed) {
  return prompt + "\n\n---\nHand-over: the agent '" + failed.agent +
         "' was asked this first and did not finish (" + failed.error_name + ": " +
         shortened(failed.error, kErrorToldBytes) +
         "). Look at what it may have left half done before you begin.";
}

Result<PreparedStart> prepareNext(const Context& context, const std::string& agent,
                                  const std::string& prompt, const KeptDispatch& kept) {
  auto session = StartAgent::prepare(context, inputFor({agent, prompt}, kept), mcp::Caller{});
  if (!session.ok()) return std::move(session).error();
  return PreparedStart{std::move(*session), agent};
}

}  // namespace tutti::tools
