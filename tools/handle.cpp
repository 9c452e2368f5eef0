#include "tools/handle.hpp"

#include <nlohmann/json.hpp>

#include "server/tasks/task_rows.hpp"
#include "tools/await_run.hpp"
#include "tools/run_report.hpp"

namespace tutti::tools {

namespace {
std::chrono::milliseconds waitOf(const AnswerOptions& options) {
  return options.mode == agents::ExecutionMode::Sync ? options.wait : std::chrono::milliseconds(0);
}
}  // namespace

agents::BodyDigest bodyWithoutKey(const Json& arguments) {
  Json body = arguments;
  body.erase("idempotency_key");
  return agents::BodyDigest(json::dump(body));
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

std::string startedKey(const CallPtr& call, const std::string& own_key,
                       const AnswerOptions& options) {
  if (waitOf(options).count() > 0) detachWait(call);
  const std::string_view task = call->taskId();
  return own_key.empty() && !task.empty() ? "task:" + std::string(task) : own_key;
}

void refuseLost(const CallPtr& call) {
  call->refuse(Error(Code::Unavailable,
                     "the process that was to start the agent ended before it did",
                     "nothing was started; call again")
                   .named("process_lost"));
}

Status checkWanted(store::Tx& tx, const std::string& task_id) {
  return task_id.empty() ? ok() : tasks::checkUnfinished(tx, task_id);
}

void awaitStarted(const Context& context, const CallPtr& call, StartedCall started) {
  auto run_id = std::make_shared<std::string>();
  context.store.read(
      [started, run_id](store::Connection& db) -> Status {
        auto known = agents::findIdempotent(db, started.tool, started.key, started.body);
        if (!known.ok()) return std::move(known).error();
        *run_id = known->value_or("");
        return ok();
      },
      [&context, call = call, wait = waitOf(started.options), run_id](Status status) mutable {
        context.post([&context, call = std::move(call), wait, run_id, status = std::move(status)] {
          if (!status.ok()) return call->finish(status.error());
          if (!run_id->empty()) return awaitRun(context, call, {"", *run_id, wait, {}});
          refuseLost(call);
        });
      });
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
