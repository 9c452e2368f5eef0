#pragma once

#include "server/routing/decisions.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// explain_route: all about one decision, or the newest ones by filter.
struct ExplainRoute {
  static constexpr const char* kName = "explain_route";

  struct Input {
    std::string decision_id;  ///< "": a list
    routing::DecisionFilter filter;
  };
  static Input decode(const Json& arguments);

  /// Errors: NotFound "decision_not_found", InvalidArgument "invalid_cursor".
  static Result<Json> run(store::Connection& db, const Input& input);

  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
