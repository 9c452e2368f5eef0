#pragma once

#include <vector>

#include "server/store/store.hpp"

namespace tutti::agents {

/// The tables of sessions, runs, events, outbox and idempotency keys. Numbers 1 to 99.
const std::vector<store::Migration>& migrations();

}  // namespace tutti::agents
