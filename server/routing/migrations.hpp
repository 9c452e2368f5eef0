// The tables of the routing engine: decisions, attempts, feedback.
#pragma once

#include <vector>

#include "server/store/store.hpp"

namespace tutti::routing {

/// Numbers from 400 on; they need those of agents.
const std::vector<store::Migration>& migrations();

}  // namespace tutti::routing
