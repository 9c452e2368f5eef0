// The tables of all parts that keep something in the store.
#pragma once

#include <vector>

#include "server/store/store.hpp"

namespace tutti::cli {

std::vector<store::Migration> allMigrations();

}  // namespace tutti::cli
