// Packs: groups of agents that travel inside the program and are known only when they are asked
// for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"

namespace tutti::agents {

/// The packs in the program, sorted.
std::vector<std::string> shippedPacks();

/// Errors: InvalidArgument "unknown_pack" for the first of `packs` that is not shipped, with those
/// that are in the hint.
Status checkPacks(const std::vector<std::string>& packs);

/// The packs that hold an agent in a folder of that name, loaded or not; looks at paths only.
std::vector<std::string> packsWithAgent(std::string_view name);

}  // namespace tutti::agents
