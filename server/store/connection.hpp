// One SQLite connection: opened the way every connection here is, with a cache of its statements.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/store/statement.hpp"

namespace tutti::store {

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(int sqlite_code, const std::string& message)
      : std::runtime_error(message), sqlite_code_(sqlite_code) {}
  int sqliteCode() const { return sqlite_code_; }
  /// disk_full, database_locked, database_corrupt or database_error, with what to do.
  Error toError() const;

 private:
  int sqlite_code_;
};

enum class Access { ReadWrite, ReadOnly };

/// A connection in WAL mode, synchronous=FULL, foreign keys on. One thread at a time.
class Connection {
 public:
  /// Throws DatabaseError. `path` may be ":memory:". Another process may hold a lock for up to
  /// `busy_timeout_ms` before a statement gives up.
  Connection(const std::string& path, Access access, int busy_timeout_ms = 10'000);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs statements without parameters or results. Throws DatabaseError.
  void execute(std::string_view sql);
  std::int64_t changes() const;
  std::int64_t lastInsertId() const;
  /// False when no BEGIN or SAVEPOINT is open, as after SQLite itself rolled back.
  bool inTransaction() const;
  /// Rows changed since the connection was opened.
  std::int64_t totalChanges() const;
  /// From now on a commit never moves the log's pages into the database: whoever calls this does
  /// so, with checkpoint(), when logPages() says that it is time.
  void checkpointByHand();
  /// How many pages the log had after the last commit of this connection, from checkpointByHand()
  /// on.
  std::int64_t logPages() const;
  /// Waits for nobody: what a reader still needs stays in the log until the next time. Throws
  /// DatabaseError.
  void checkpoint();

 private:
  friend class Statement;
  friend void useFullText(Connection& connection);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The transaction a piece of work runs in: a connection on which BEGIN and a savepoint are open.
/// Work never commits, rolls back or does I/O by itself.
using Tx = Connection;

}  // namespace tutti::store
