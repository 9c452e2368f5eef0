// What a store lacks of this program's schema, for who must not bring it up to date.
#pragma once

#include <filesystem>
#include <vector>

#include "server/store/store.hpp"

namespace tutti::store {

/// Those of `migrations` that `folder`/tutti.db has not had, in order; all when there is no
/// such file or it is empty. Reads only. Errors: Conflict "database_too_new"; those of the
/// database.
Result<std::vector<Migration>> outstandingMigrations(const std::filesystem::path& folder,
                                                     const std::vector<Migration>& migrations);

}  // namespace tutti::store
