#pragma once

#include "server/store/connection.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// get_status: what a session is doing now: its rows, its newest event, its children. Never waits.
struct GetStatus {
  static constexpr const char* kName = "get_status";
  /// Errors: session_not_found.
  static Result<Json> run(store::Connection& db, const std::string& session_id);
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
