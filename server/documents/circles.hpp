// Inner to server/documents: documents that are above themselves.
#pragma once

#include <cstdint>
#include <set>

#include "server/store/connection.hpp"

namespace tutti::documents {

/// The documents from which a way of links to children leads back to them; not those that are only
/// between two such circles. Takes memory for each document once, however deep they are.
std::set<std::int64_t> inParentCircles(store::Connection& db);

}  // namespace tutti::documents
