#pragma once

#include "server/agents/sessions.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// resume: says something more to a session's agent. The reply tells how the conversation was
/// continued: resumed, resumed_lossy or fresh. Errors: session_not_found, session_busy,
/// procedural_agent_no_resume.
struct Resume {
  static constexpr const char* kName = "resume";

  struct Input {
    agents::NewTurn turn;
    std::chrono::milliseconds wait{0};
    std::string idempotency_key;
    agents::BodyDigest body;
  };

  static Input decode(const Json& arguments, const std::string& owner);
  static Result<agents::StartedRun> run(store::Tx& tx, const Input& input);
  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
