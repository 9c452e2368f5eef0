#pragma once

#include "server/agents/sessions.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// stop: takes a session's agent down with all its processes (SIGTERM, grace, SIGKILL), waits for
/// the proof and reports it. A session that is over is left as it is.
struct Stop {
  static constexpr const char* kName = "stop";
  /// Errors: session_not_found.
  static Result<agents::StopRequest> run(store::Tx& tx, const std::string& session_id,
                                         const std::string& owner);
  /// What there is to say when the session is over, or when the wait has run out.
  static Result<Json> report(store::Connection& db, const agents::StopRequest& request);
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
