// What a gate says of the work that it looks at: pass, or not, in a form that tutti can act on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/json/json.hpp"

namespace tutti::tools {

/// Attempt::error_name of a gate that has looked and does not let it pass.
inline constexpr std::string_view kGateRefused = "gate_refused";

/// What a gate answers: {passed, reason}.
Json gateSchema();

/// `snapshot`, a blueprint's JSON, for a session that is a gate: held to gateSchema(), unless it
/// has an output_schema of its own or is a program, which says what it says on stdout.
std::string gateSnapshot(const std::string& snapshot);

/// Why the gate with this result_data (JSON text) does not let it pass; nothing when it does. A
/// result without `passed` lets it pass: such a gate only reports.
std::optional<std::string> gateRefusal(std::string_view result_data);

}  // namespace tutti::tools
