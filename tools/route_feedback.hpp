#pragma once

#include "server/agents/sessions.hpp"
#include "server/routing/decisions.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// route_feedback: was a decision right? What is said is stored, and learnt by every replica before
/// its next decision.
struct RouteFeedback {
  static constexpr const char* kName = "route_feedback";

  struct Input {
    std::string decision_id;
    bool right = true;
    std::string better;  ///< a blueprint's own name, or routing::kNobodyIsBetter
    std::string note;
    std::string now;
    std::string idempotency_key;
    agents::BodyDigest body;  ///< of a keyed call, without its key
  };

  /// Errors: InvalidArgument when `better` is given with right; unknown_blueprint.
  static Result<Input> decode(const Context& context, const Json& arguments);

  struct Output {
    routing::Feedback feedback;  ///< as it was stored
    routing::DecisionStatus status = routing::DecisionStatus::Decided;
  };
  /// What is said of a decision of several agents teaches only whom it names as better: that a
  /// workflow was right does not say that its lead could do it all. A call with a key that was used
  /// before says nothing anew. Errors: NotFound "decision_not_found", "feedback_gone";
  /// InvalidArgument "better_is_chosen"; Conflict "idempotency_key_reused".
  static Result<Output> run(store::Tx& tx, const Input& input);

  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
