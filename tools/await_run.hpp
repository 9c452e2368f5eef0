// Waiting for a run to end, within a limit, with signs of life to the client.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tools/context.hpp"
#include "tools/run_report.hpp"

namespace tutti::tools {

/// Which run, and how long.
struct AwaitRun {
  std::string session_id;  ///< or its name; may be empty when run_id is given
  std::string run_id;      ///< "": the session's latest
  std::chrono::milliseconds limit{0};
  ResultWindow window;
};

/// Finishes `call` with the run's report: when it is over, or when the limit has run out. Tells
/// progress on the way. A cancelled call ends the wait, not the run.
void awaitRun(const Context& context, const CallPtr& call, AwaitRun request);

/// Runs `then` with the ids of sessions given by id or name, or finishes `call` with
/// session_not_found.
void withSessionIds(const Context& context, const CallPtr& call,
                    std::vector<std::string> ids_or_names,
                    std::function<void(std::vector<std::string>)> then);
void withSessionId(const Context& context, const CallPtr& call, const std::string& id_or_name,
                   std::function<void(const std::string&)> then);

/// What a waiting call becomes for a client that takes tasks, when it names no `wait_s`.
inline constexpr mcp::TaskOptions kWaitTask{
    .ttl_ms = 24LL * 3600 * 1000, .poll_ms = 1'000, .repeatable = true};

/// Makes `call` a task, if its client takes tasks. One that names a `wait_s` lives that long and as
/// long again as its result may need to be fetched: who asks every minute leaves few behind.
bool detachWait(const CallPtr& call);

/// Runs `wait` for `call`: its progress goes to the client every `context.progress_every`, its
/// cancellation ends the wait. Makes the call a task when the first look does not end the wait and
/// the client takes tasks. A task waits as long as it lives, unless the call names a `wait_s`.
void waitFor(const Context& context, const CallPtr& call, runner::WaitRequest wait);

}  // namespace tutti::tools
