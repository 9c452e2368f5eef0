// Inner to server/store: where exceptions of a piece of work become errors.
#pragma once

#include "server/store/store.hpp"

namespace tutti::store {

/// Runs `work`. A DatabaseError becomes its named error; any other exception Internal.
Status runGuarded(const Store::Work& work, Connection& db);

/// Calls `done`; what it throws is logged and dropped, for nobody is left to be told.
void finish(const Store::Done& done, Status status);

}  // namespace tutti::store
