#include "tools/handle.hpp"

#include <nlohmann/json.hpp>

#include "tools/await_run.hpp"
#include "tools/run_report.hpp"

namespace tutti::tools {

std::string bodyWithoutKey(const Json& arguments) {
  Json body = arguments;
  body.erase("idempotency_key");
  return json::dump(body);
}

Result<agents::StartedRun> onceForKey(store::Tx& tx, const KeyedCall& call,
                                      const std::function<Result<agents::StartedRun>()>& start) {
  if (call.key.empty()) return start();
  auto known = agents::findIdempotent(tx, call.tool, call.key, call.body);
  if (!known.ok()) return std::move(known).error();
  if (*known) {
    auto run = agents::findRun(tx, **known);
    if (!run.ok()) return std::move(run).error();
    auto session = agents::findSession(tx, run->session_id);
    if (!session.ok()) return std::move(session).error();
    return agents::StartedRun{std::move(*session), std::move(*run)};
  }
  auto started = start();
  if (started.ok())
    agents::saveIdempotent(tx, call.tool, call.key, call.body, started->run.run_id, call.now);
  return started;
}

void answerWithHandle(const Context& context, const CallPtr& call,
                      Result<agents::StartedRun> started, AnswerOptions options) {
  if (!started.ok()) return call->finish(std::move(started).error());
  if (started->run.type == agents::RunType::StartSession) context.supervisor.pumpLaunches();
  if (started->run.type != agents::RunType::StartSession) context.supervisor.pump();
  if (options.mode != agents::ExecutionMode::Sync)
    return call->finish(mcp::ToolOutput{runReport(started->session, started->run), {}});
  awaitRun(context, call, {started->session.session_id, started->run.run_id, options.wait, {}});
}

}  // namespace tutti::tools
