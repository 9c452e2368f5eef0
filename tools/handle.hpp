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

/// The arguments as text without their idempotency_key.
std::string bodyWithoutKey(const Json& arguments);

struct KeyedCall {
  std::string_view tool;
  const std::string& key;  ///< "": the call is not keyed
  const std::string& body;
  const std::string& now;
};
/// Runs `start` the first time a key is seen and keeps its handle; later gives that handle again,
/// with the session as it is then. Errors: those of `start`; Conflict "idempotency_key_reused";
/// NotFound when the session has been deleted since.
Result<agents::StartedRun> onceForKey(store::Tx& tx, const KeyedCall& call,
                                      const std::function<Result<agents::StartedRun>()>& start);

struct AnswerOptions {
  agents::ExecutionMode mode;
  std::chrono::milliseconds wait;  ///< for mode sync
};
/// Finishes `call` with the handle, or in mode sync with the result. Wakes the supervisor.
void answerWithHandle(const Context& context, const CallPtr& call,
                      Result<agents::StartedRun> started, AnswerOptions options);

}  // namespace tutti::tools
