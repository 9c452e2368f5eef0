// What start_agent and resume share: one answer for one idempotency key, and the handle they
// return.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "server/agents/sessions.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// Of the arguments without their idempotency_key.
agents::BodyDigest bodyWithoutKey(const Json& arguments);

struct AnswerOptions {
  agents::ExecutionMode mode;
  std::chrono::milliseconds wait;  ///< for mode sync
};
/// Makes a call that starts something and waits for it a task, before anything is started, if the
/// client takes tasks. Gives the key it is known by: its own, or for a task without one a key made
/// of the task's id, so that it is never done twice.
std::string startedKey(const CallPtr& call, const std::string& own_key,
                       const AnswerOptions& options);

/// Fails a task whose process has died before anything was started, as process_lost.
void refuseLost(const CallPtr& call);

/// Ok unless there is a task, and it has ended or could not be stored: then nothing may be started.
Status checkWanted(store::Tx& tx, const std::string& task_id);

struct KeyedCall {
  std::string_view tool;
  const std::string& key;  ///< "": the call is not keyed
  const agents::BodyDigest& body;
  const std::string& now;
};
/// Runs `start` the first time a key is seen and keeps its handle; later gives that handle again,
/// with the session as it is then. Errors: those of `start`; Conflict "idempotency_key_reused";
/// NotFound when the session has been deleted since.
Result<agents::StartedRun> onceForKey(store::Tx& tx, const KeyedCall& call,
                                      const std::function<Result<agents::StartedRun>()>& start);

/// For a task whose process has died: waits on for the run that was started under its key. Fails it
/// as process_lost when there is none: then nothing was started.
struct StartedCall {
  std::string tool;
  std::string key;
  agents::BodyDigest body;
  AnswerOptions options;
};
void awaitStarted(const Context& context, const CallPtr& call, StartedCall started);

/// Finishes `call` with the handle, or in mode sync with the result. Wakes the supervisor.
void answerWithHandle(const Context& context, const CallPtr& call,
                      Result<agents::StartedRun> started, AnswerOptions options);

}  // namespace tutti::tools
