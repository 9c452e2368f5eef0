#pragma once

#include <optional>

#include "server/routing/decider.hpp"
#include "tools/context.hpp"
#include "tools/route_dispatch.hpp"

namespace tutti::tools {

/// route_request: who should handle a request, and why; with dispatch, starts them. Decision and
/// sessions are stored in one transaction. Repeating a call with the same idempotency_key decides
/// and starts nothing and gives the first decision as it is by then. With dispatch and mode sync it
/// may be a task, which outlives its process as that of start_agent does. A close call is put to an
/// agent, where that is allowed (route_judge.hpp).
struct RouteRequest {
  static constexpr const char* kName = "route_request";

  struct Input {
    routing::RouteRequest request;
    DispatchOptions dispatch;
    std::optional<bool> ask_agent;  ///< may, or may not, a judge be asked? Else as configured
    bool dry_run = false;
    bool sync = false;
    std::chrono::milliseconds wait{0};
    std::string idempotency_key;
    agents::BodyDigest body;  ///< of a keyed call, without its key
  };

  /// Errors: InvalidArgument when dispatch and dry_run are both given.
  static Result<Input> decode(const Json& arguments);

  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
