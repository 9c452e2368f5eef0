// Inner to server/store: opening the database file and bringing its schema up to date.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "server/store/store.hpp"

namespace tutti::store {

inline constexpr const char* kDatabaseFile = "tutti.db";

/// The read-write connection to `folder`/tutti.db, created and migrated as needed. A database that
/// is up to date costs one read; everything else happens under a file lock, so that several
/// processes can do it at the same moment. Errors: Conflict "database_too_new". Throws
/// DatabaseError.
Result<std::unique_ptr<Connection>> openDatabase(const std::filesystem::path& folder,
                                                 const std::vector<Migration>& migrations,
                                                 int busy_timeout_ms);

}  // namespace tutti::store
