#pragma once

#include "server/agents/sessions.hpp"
#include "server/store/connection.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// list_sessions: sessions, newest first, a page at a time.
struct ListSessions {
  static constexpr const char* kName = "list_sessions";
  static agents::SessionFilter decode(const Json& arguments);
  /// Errors: invalid_cursor.
  static Result<Json> run(store::Connection& db, const agents::SessionFilter& filter);
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
