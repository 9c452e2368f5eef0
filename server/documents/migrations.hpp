// The tables of the context store; numbers 300 to 349.
#pragma once

#include <vector>

#include "server/store/store.hpp"

namespace tutti::documents {

const std::vector<store::Migration>& migrations();

}  // namespace tutti::documents
