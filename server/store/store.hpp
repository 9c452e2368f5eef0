// The store: one SQLite file, one writer with group commit, a pool of readers. Several tutti
// processes use the same file at once; that is the normal case.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/store/connection.hpp"
#include "server/store/statement.hpp"

namespace tutti::store {

/// One step of the schema's history. Applied in order, each in one transaction, each exactly once
/// in the life of a database, also when two processes open it at the same moment.
struct Migration {
  int number;  ///< 1, 2, 3 … without gaps
  std::string_view name;
  std::string_view sql;
};

struct StoreOptions {
  std::size_t queue_max = 4096;  ///< writes waiting; above this submit() answers Unavailable
  std::size_t batch_max = 256;   ///< writes in one commit
  /// How long a commit waits for as many writes as the last one had: callers that were answered
  /// together ask again together, the first a little before the others. One caller alone does
  /// not wait, but for its first write after others have gone.
  int company_wait_max_us = 300;
  int readers = 2;
  int busy_timeout_ms = 10'000;  ///< how long another process may hold the write lock
};

/// Thread-safe: write(), read() may be called from any thread. The destructor drains what is queued
/// and joins its threads.
///
/// Writes run in submission order, many to one commit, and one failing item is undone alone. For
/// that the others of its commit may be run once more: work may run twice, the last time counts.
/// Work changes rows, not tables. `done` runs on the writer's thread after the commit that made the
/// item durable (or after its rollback); it must not block and must not touch SQLite. A caller on
/// the I/O thread posts back to it from `done`.
class Store {
 public:
  using Work = std::function<Status(Tx&)>;
  using Done = std::function<void(Status)>;

  /// Opens or creates `folder`/tutti.db and applies what is missing of `migrations`. Errors:
  /// Conflict "database_too_new" when a newer tutti has written it, disk_full, Internal.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder,
                                             const std::vector<Migration>& migrations,
                                             StoreOptions options = {});
  ~Store();

  /// Queues a write. A full or closing queue calls `done` with Unavailable at once, on this thread.
  /// When COMMIT itself fails the whole batch gets the error. After a failed sync, or two failed
  /// commits in a row, every later write is refused ("store_failed") until the store is opened
  /// anew; a full disk is not such a failure, for nothing of that batch was written: writes go on
  /// when there is room.
  void write(Work work, Done done);
  /// Writes that are queued and not begun: what a further one would wait for.
  std::size_t writesWaiting() const;
  /// Queues a read on one of the readers: a snapshot, never blocked by writers. `done` as above.
  void read(Work work, Done done);

  /// The same, waiting for the end: for start-up, command-line use and tests, never on the I/O
  /// thread.
  Status writeAndWait(const Work& work);
  Status readAndWait(const Work& work);
  /// The same on a connection of its own, which ends with the work and whose temporary tables are
  /// files that nobody else sees: for work that copies much, to look at it without anybody's lock.
  Status readAsideAndWait(const Work& work);

  /// Calls `observer` after each commit of this Store that changed something, on the writer's
  /// thread; it must not block. Ends when the returned handle is destroyed, which waits for a call
  /// under way (so never destroy it from within the observer).
  [[nodiscard]] std::shared_ptr<void> onCommit(std::function<void()> observer);

  const std::filesystem::path& folder() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::store
