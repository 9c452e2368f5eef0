// `user_version` holds how many migrations have been applied: one read of the file's header tells
// that nothing is to be done. The table schema_migrations says which, for people and for the slow
// path.
#include "server/store/migrate.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <set>
#include <thread>

#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/store/outstanding.hpp"
#include "server/store/statement.hpp"

namespace tutti::store {
namespace fs = std::filesystem;
namespace {
using SteadyTime = std::chrono::steady_clock::time_point;

/// Other processes may be creating the same database: each step waits for them this long.
void pauseUntil(SteadyTime deadline, int sqlite_code, const char* what) {
  if (std::chrono::steady_clock::now() >= deadline) throw DatabaseError(sqlite_code, what);
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool hasContent(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && status.st_size > 0;
}

/// SQLite gives the WAL the permissions of the database, so this one call covers all files. An
/// existing file is never opened here: closing it would drop the locks this process holds on it.
Status createPrivately(const fs::path& file) {
  const Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd || errno == EEXIST) return ok();
  return ioError(errno, "create", file);
}

Result<Fd> lockForCreation(const fs::path& folder, SteadyTime deadline) {
  for (;;) {
    Result<Fd> lock = tryLockFile(folder / "tutti.db-create.lock");
    if (!lock.ok() || *lock) return lock;
    pauseUntil(deadline, SQLITE_BUSY, "another process is creating the store");
  }
}

void enableWal(Connection& db, SteadyTime deadline) {
  for (;;) {
    try {
      Statement switched(db, "PRAGMA journal_mode = WAL");
      if (switched.step() && switched.text(0) == "wal") return;
      throw DatabaseError(SQLITE_IOERR, "this file system does not support write-ahead logging");
    } catch (const DatabaseError& problem) {
      // The busy handler is not asked for this lock.
      if ((problem.sqliteCode() & 0xff) != SQLITE_BUSY) throw;
      pauseUntil(deadline, problem.sqliteCode(), problem.what());
    }
  }
}

std::int64_t appliedCount(Connection& db) {
  Statement version(db, "PRAGMA user_version");
  return version.step() ? version.integer(0) : 0;
}

Error tooNew(const fs::path& folder, std::int64_t found, std::size_t known) {
  return Error(Code::Conflict,
               "the store in '" + folder.string() + "' was written by a newer tutti (schema " +
                   std::to_string(found) + ", this one knows " + std::to_string(known) + ")",
               "update tutti, or choose another folder with --data")
      .named("database_too_new");
}

void applyOne(Connection& db, const Migration& migration, std::int64_t position) {
  db.execute("BEGIN EXCLUSIVE");
  try {
    db.execute(migration.sql);
    Statement(db, "INSERT INTO schema_migrations(number, name, applied_at) VALUES (?, ?, ?)",
              migration.number, migration.name, isoTimestamp(Clock::system().now()))
        .run();
    db.execute("PRAGMA user_version = " + std::to_string(position));
    db.execute("COMMIT");
  } catch (...) {
    if (db.inTransaction()) db.execute("ROLLBACK");
    throw;
  }
}

std::set<std::int64_t> numbersIn(Connection& db) {
  std::set<std::int64_t> numbers;
  Statement all(db, "SELECT number FROM schema_migrations");
  while (all.step()) numbers.insert(all.integer(0));
  return numbers;
}

std::set<std::int64_t> appliedNumbers(Connection& db) {
  db.execute(
      "CREATE TABLE IF NOT EXISTS schema_migrations("
      " number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)");
  return numbersIn(db);
}

std::vector<Migration> without(const std::vector<Migration>& migrations,
                               const std::set<std::int64_t>& applied) {
  std::vector<Migration> missing;
  for (const Migration& migration : migrations)
    if (applied.count(migration.number) == 0) missing.push_back(migration);
  return missing;
}

Status syncPath(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return ioError(errno, "sync", path);
  return ok();
}

/// Builds a new database beside its place and moves it there whole: no process ever sees half of
/// one, and two syncs do instead of one or two for each step.
Status create(const fs::path& folder, const std::vector<Migration>& migrations,
              SteadyTime deadline) {
  const fs::path fresh = folder / "tutti.db.new";
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    ::unlink((fresh.string() + suffix).c_str());  // left by a process that died here
  if (Status created = createPrivately(fresh); !created.ok()) return created;
  {
    Connection db(fresh.string(), Access::ReadWrite);
    db.execute("PRAGMA synchronous = OFF");
    enableWal(db, deadline);
    const std::set<std::int64_t> none = appliedNumbers(db);
    std::int64_t position = 0;
    for (const Migration& migration : migrations) applyOne(db, migration, ++position);
  }
  if (Status synced = syncPath(fresh); !synced.ok()) return synced;
  const fs::path file = folder / kDatabaseFile;
  if (::rename(fresh.c_str(), file.c_str()) != 0) return ioError(errno, "rename", fresh);
  return syncPath(folder);
}

Result<std::unique_ptr<Connection>> migrate(const fs::path& folder,
                                            const std::vector<Migration>& migrations,
                                            SteadyTime deadline, int busy_timeout_ms) {
  const fs::path file = folder / kDatabaseFile;
  auto db = std::make_unique<Connection>(file.string(), Access::ReadWrite, busy_timeout_ms);
  enableWal(*db, deadline);
  std::set<std::int64_t> applied = appliedNumbers(*db);
  const std::vector<Migration> missing = without(migrations, applied);
  if (migrations.size() - missing.size() < applied.size())
    return tooNew(folder, *applied.rbegin(), migrations.size());
  for (const Migration& migration : missing) {
    applyOne(*db, migration, static_cast<std::int64_t>(applied.size()) + 1);
    applied.insert(migration.number);
  }
  return db;
}

Result<std::unique_ptr<Connection>> createOrMigrate(const fs::path& folder,
                                                    const std::vector<Migration>& migrations,
                                                    int busy_timeout_ms) {
  const SteadyTime deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(busy_timeout_ms);
  const Result<Fd> lock = lockForCreation(folder, deadline);
  if (!lock.ok()) return lock.error();
  if (!hasContent(folder / kDatabaseFile)) {
    if (Status created = create(folder, migrations, deadline); !created.ok())
      return created.error();
  }
  return migrate(folder, migrations, deadline, busy_timeout_ms);
}
}  // namespace

Result<std::unique_ptr<Connection>> openDatabase(const fs::path& folder,
                                                 const std::vector<Migration>& migrations,
                                                 int busy_timeout_ms) {
  const fs::path file = folder / kDatabaseFile;
  if (!hasContent(file)) return createOrMigrate(folder, migrations, busy_timeout_ms);
  try {
    auto db = std::make_unique<Connection>(file.string(), Access::ReadWrite, busy_timeout_ms);
    const std::int64_t applied = appliedCount(*db);
    const auto known = static_cast<std::int64_t>(migrations.size());
    if (applied > known) return tooNew(folder, applied, migrations.size());
    if (applied == known && known > 0) return db;
  } catch (const DatabaseError& problem) {
    // Another process is changing the schema: queue behind it.
    if ((problem.sqliteCode() & 0xff) != SQLITE_BUSY) throw;
  }
  return createOrMigrate(folder, migrations, busy_timeout_ms);
}

Result<std::vector<Migration>> outstandingMigrations(const fs::path& folder,
                                                     const std::vector<Migration>& migrations) {
  const fs::path file = folder / kDatabaseFile;
  if (!hasContent(file)) return migrations;
  try {
    Connection db(file.string(), Access::ReadOnly);
    const std::int64_t applied = appliedCount(db);
    const auto known = static_cast<std::int64_t>(migrations.size());
    if (applied > known) return tooNew(folder, applied, migrations.size());
    if (applied == known) return std::vector<Migration>();
    return without(migrations, applied == 0 ? std::set<std::int64_t>() : numbersIn(db));
  } catch (const DatabaseError& problem) {
    return problem.toError();
  }
}

}  // namespace tutti::store
