#pragma once

#include "server/agents/sessions.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// delete_session: forgets a session that is over, with its runs and events. Errors:
/// session_not_found, session_active.
struct DeleteSession {
  static constexpr const char* kName = "delete_session";
  static Result<agents::DeletedSession> run(store::Tx& tx, const std::string& session_id);
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
