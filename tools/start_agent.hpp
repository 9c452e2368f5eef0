#pragma once

#include <optional>

#include "tools/context.hpp"

namespace tutti::tools {

/// start_agent: starts an agent from a blueprint in a session of its own. Returns the handle once
/// the intent is on disk; the process follows. With mode sync waits for the result, up to wait_s.
/// Repeating a call with the same idempotency_key starts nothing and returns the first handle.
struct StartAgent {
  static constexpr const char* kName = "start_agent";

  struct Input {
    std::string blueprint;
    Json parameters;
    agents::ExecutionMode mode = agents::ExecutionMode::AsyncPoll;
    std::chrono::milliseconds wait{0};
    std::string project_dir;
    std::string name;
    std::string model;
    std::string parent_session_id;
    std::string idempotency_key;
    agents::BodyDigest body;  ///< of a keyed call, without its key: what a repetition must equal
  };

  /// Errors: InvalidArgument when both or neither of prompt and parameters make sense.
  static Result<Input> decode(const Json& arguments);

  /// Everything that can be known before anything is written: the blueprint, its parameters, the
  /// folder, the agent's program. Errors: unknown_blueprint, parameter_validation_failed,
  /// project_dir_not_found, project_dir_not_a_folder, agent_not_installed.
  static Result<agents::NewSession> prepare(const Context& context, const Input& input,
                                            const mcp::Caller& caller);
  /// The same with a blueprint that is at hand. Errors: those of prepare(), but unknown_blueprint.
  static Result<agents::NewSession> prepareFrom(const Context& context,
                                                const agents::StartPlan& plan, const Input& input,
                                                const mcp::Caller& caller);

  /// The handle of a new session, or of the one that the same key has started.
  static Result<agents::StartedRun> run(store::Tx& tx, const Input& input,
                                        const agents::NewSession& session,
                                        const agents::SessionLimits& limits);

  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
