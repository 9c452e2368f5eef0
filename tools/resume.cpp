#include "tools/resume.hpp"

#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "tools/handle.hpp"

namespace tutti::tools {

Resume::Input Resume::decode(const Json& arguments, const std::string& owner) {
  Input input;
  input.turn.session_id = json::stringOr(arguments, "session_id", "");
  input.turn.parameters =
      json::dump(Json::object({{"prompt", json::stringOr(arguments, "prompt", "")}}));
  input.turn.mode = agents::parseExecutionMode(json::stringOr(arguments, "mode", "async_poll"))
                        .value_or(agents::ExecutionMode::AsyncPoll);
  input.turn.owner = owner;
  input.turn.now = isoTimestamp(Clock::system().now());
  input.wait = toMillis(json::numberOr(arguments, "wait_s", 45));
  input.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  input.body = bodyWithoutKey(arguments);
  return input;
}

Result<agents::StartedRun> Resume::run(store::Tx& tx, const Input& input) {
  return onceForKey(tx, {kName, input.idempotency_key, input.body, input.turn.now},
                    [&] { return agents::resumeSession(tx, input.turn); });
}

void Resume::handle(const Context& context, const CallPtr& call) {
  Input input = decode(call->arguments(), context.supervisor.replicaId());
  const AnswerOptions options{input.turn.mode, input.wait};
  input.idempotency_key = startedKey(call, input.idempotency_key, options);
  if (call->repeated())
    return awaitStarted(context, call, {kName, input.idempotency_key, input.body, options});
  write<agents::StartedRun>(
      context,
      [input = std::move(input),
       task = std::string(call->taskId())](store::Tx& tx) -> Result<agents::StartedRun> {
        if (Status wanted = checkWanted(tx, task); !wanted.ok()) return std::move(wanted).error();
        return run(tx, input);
      },
      [&context, call, options](Result<agents::StartedRun> started) {
        answerWithHandle(context, call, std::move(started), options);
      });
}

}  // namespace tutti::tools
