#pragma once

#include <vector>

#include "server/store/store.hpp"

namespace tutti::tasks {

/// The table of tasks. Numbers 200 to 299.
const std::vector<store::Migration>& migrations();

}  // namespace tutti::tasks
