#pragma once

#include <vector>

#include "server/store/store.hpp"

namespace tutti::search {

/// The tables of the index. Numbers 350 to 399.
const std::vector<store::Migration>& migrations();

}  // namespace tutti::search
