// Asking an agent whom a request is for, where routing's own decision is a close call.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/routing/close_call.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// Who judges for a call that wants it where no judge is configured.
inline constexpr std::string_view kShippedJudge = "route-judge";
/// A verdict's word for no agent.
inline constexpr std::string_view kNobody = "nobody";

/// The blueprint that may be asked; "" for none. `ask_agent` is what the call says of it.
std::string judgeFor(const RouteJudge& options, std::optional<bool> ask_agent);

/// Whom to ask what, as start_agent takes it.
struct JudgeQuestion {
  std::string judge;              ///< a blueprint
  routing::CloseCall close_call;  ///< a close one
  std::string request, context;
  std::string project_dir, parent_session_id;
};

/// What the judge reads: the agents, in an order that says nothing, and the request between marks
/// that it cannot hold itself. Bounded: what is long is cut.
std::string judgePrompt(const JudgeQuestion& question);
/// What it must answer: {agent, confidence, reason}.
Json verdictSchema(const routing::CloseCall& close_call);
/// `result` is JSON text as the judge gave it. Errors: InvalidArgument "bad_verdict".
Result<routing::Verdict> readVerdict(const JudgeQuestion& question, const std::string& result);

/// What came of asking, and how route_request tells it: as `judged`, or as `not_judged`.
struct Judged {
  std::optional<routing::Verdict> verdict;
  Json told;
  const char* member() const { return verdict ? "judged" : "not_judged"; }
};
/// That `judge` did not decide, and why not.
Judged notJudged(const std::string& judge, const std::string& why);

/// Starts the judge in a session of its own, below the caller's, and runs `then` with what came of
/// it: after RouteJudge::wait at the latest, when the judge is stopped. The same question is asked
/// once: who asks it meanwhile gets the same verdict, and so does who asks later, while it is kept.
/// A judge whose server dies ends by its own time limit. Runs on the I/O thread, as does `then`,
/// which is not run for a call that is cancelled: that stops the judge, if this call began it.
void askJudge(const Context& context, const CallPtr& call, JudgeQuestion question,
              std::function<void(Judged)> then);

}  // namespace tutti::tools
