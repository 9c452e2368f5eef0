#include "server/store/connection.hpp"

#include <cerrno>
#include <mutex>
#include <thread>

#include "server/store/connection_impl.hpp"

namespace tutti::store {
namespace {
constexpr std::size_t kUnusedStatementsMax = 128;

/// Statistics of SQLite's allocator cost a lock on every allocation and nobody reads them.
void configureOnce() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

constexpr int primary(int code) {
  return code & 0xff;
}

bool meansFullDisk(int system_error) {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

/// What the last failed system call on the database or on its WAL said. (sqlite3_system_errno() is
/// too late: it reads errno after the rollback has made system calls of its own.)
bool diskWasFull(sqlite3* db) {
  int system_error = 0;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &system_error);
  if (meansFullDisk(system_error)) return true;
  sqlite3_file* wal = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (wal == nullptr || wal->pMethods == nullptr) return false;
  wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &system_error);
  return meansFullDisk(system_error);
}

/// SQLite calls only ENOSPC "full"; a quota and a size limit are the same to whoever must make
/// room. A failed sync stays what it is: after it nobody knows what is on the disk.
bool isFullDisk(int code, sqlite3* db) {
  return primary(code) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC && diskWasFull(db);
}
}  // namespace

Error DatabaseError::toError() const {
  switch (primary(sqlite_code_)) {
    case SQLITE_FULL:
      return Error(Code::ResourceExhausted, "the store's disk is full",
                   "free disk space and try again")
          .named("disk_full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error(Code::Unavailable, "the store is locked by another process", "try again")
          .named("database_locked");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(Code::Internal, std::string("the store's file is damaged: ") + what(),
                   "restore tutti.db from a backup, or move it away to begin anew")
          .named("database_corrupt");
    default:
      return Error(Code::Internal, std::string("the store failed: ") + what() + ", SQLite code " +
                                       std::to_string(sqlite_code_))
          .named("database_error");
  }
}

Connection::Impl::~Impl() {
  for (const auto& [sql, statements] : unused)
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  sqlite3_close(db);
}

void Connection::Impl::fail(int code) const {
  if (db == nullptr) throw DatabaseError(code, sqlite3_errstr(code));
  const int extended = sqlite3_extended_errcode(db);
  throw DatabaseError(isFullDisk(extended, db) ? SQLITE_FULL : extended, sqlite3_errmsg(db));
}

int Connection::Impl::onBusy(void* self, int count) {
  using namespace std::chrono_literals;
  auto& impl = *static_cast<Impl*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (count == 0) impl.busy_until = now + impl.busy_max;
  if (now >= impl.busy_until) return 0;
  std::this_thread::sleep_for(count < 10 ? 100us : count < 50 ? 500us : 3000us);
  return 1;
}

int Connection::Impl::onCommit(void* self, sqlite3* /*db*/, const char* /*name*/, int pages) {
  static_cast<Impl*>(self)->log_pages = pages;
  return SQLITE_OK;
}

Connection::Impl::Taken Connection::Impl::take(std::string_view sql) {
  auto found = unused.find(sql);
  if (found != unused.end() && !found->second.empty()) {
    sqlite3_stmt* statement = found->second.back();
    found->second.pop_back();
    --unused_count;
    return {statement, &found->second};
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  if (statement == nullptr) throw DatabaseError(SQLITE_MISUSE, "an empty statement");
  if (found == unused.end()) found = unused.emplace(sql, Statements()).first;
  return {statement, &found->second};
}

void Connection::Impl::giveBack(const Taken& taken) {
  sqlite3_reset(taken.statement);
  if (unused_count >= kUnusedStatementsMax) {
    sqlite3_finalize(taken.statement);
    return;
  }
  sqlite3_clear_bindings(taken.statement);
  taken.home->push_back(taken.statement);
  ++unused_count;
}

Connection::Connection(const std::string& path, Access access, int busy_timeout_ms)
    : impl_(std::make_unique<Impl>()) {
  configureOnce();
  const int flags = access == Access::ReadOnly ? SQLITE_OPEN_READONLY
                                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &impl_->db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) impl_->fail(code);
  sqlite3_extended_result_codes(impl_->db, 1);
  impl_->busy_max = std::chrono::milliseconds(busy_timeout_ms);
  sqlite3_busy_handler(impl_->db, &Impl::onBusy, impl_.get());
  // Small caches: the operating system holds the file's pages anyway, once for all processes.
  execute(
      "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024;"
      "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 8388608");
}

Connection::~Connection() = default;

void Connection::execute(std::string_view sql) {
  const int code = sqlite3_exec(impl_->db, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) impl_->fail(code);
}

std::int64_t Connection::changes() const {
  return sqlite3_changes64(impl_->db);
}
std::int64_t Connection::totalChanges() const {
  return sqlite3_total_changes64(impl_->db);
}
std::int64_t Connection::lastInsertId() const {
  return sqlite3_last_insert_rowid(impl_->db);
}
void Connection::checkpointByHand() {
  // It takes the place of SQLite's own hook, which is what checkpoints by itself.
  sqlite3_wal_hook(impl_->db, &Impl::onCommit, impl_.get());
}
std::int64_t Connection::logPages() const {
  return impl_->log_pages;
}
void Connection::checkpoint() {
  execute("PRAGMA wal_checkpoint(PASSIVE)");
}
bool Connection::inTransaction() const {
  return sqlite3_get_autocommit(impl_->db) == 0;
}

}  // namespace tutti::store
