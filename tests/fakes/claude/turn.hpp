// What one prompt makes the fake do: each line of the prompt is one step, see README.md.
#pragma once

#include <string>

#include "tests/fakes/claude/session.hpp"
#include "tests/fakes/claude/wire.hpp"

namespace fake_claude {

/// Runs one turn: init record, the steps of `prompt`, a result record unless a step prevents it.
void runTurn(Session& session, Lines& lines, const std::string& prompt);

/// Answers a control_request that needs no turn (initialize, set_model, interrupt while idle …).
void answerControl(const Json& request);

}  // namespace fake_claude
