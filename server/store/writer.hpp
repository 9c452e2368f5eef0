// Inner to server/store: the one thread that writes.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "server/store/commit_observers.hpp"
#include "server/store/store.hpp"
#include "server/store/wake_file.hpp"

namespace tutti::store {

/// Owns the only read-write connection of this process and the thread that uses it, which starts
/// with the first write. A batch is what has queued up while the last one was being synced, and
/// what comes from those whom that one answered: one caller alone does not wait for company, and
/// many share a sync.
///
/// Thread-safe: submit() may be called from any thread. The destructor drains the queue, then
/// joins.
class Writer {
 public:
  Writer(std::unique_ptr<Connection> db, const std::filesystem::path& folder, StoreOptions options,
         CommitObservers& observers);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// As Store::write().
  void submit(Store::Work work, Store::Done done);
  /// As Store::writesWaiting().
  std::size_t waiting() const;

 private:
  struct Item {
    Store::Work work;
    Store::Done done;
  };
  using Errors = std::vector<std::optional<Error>>;

  void loop();
  std::vector<Item> nextBatch();
  void waitForCompany(std::unique_lock<std::mutex>& lock);
  void runBatch(const std::vector<Item>& batch);
  std::size_t runTransaction(const std::vector<Item>& batch, std::size_t from, Errors& errors);
  enum class Undo { None, Savepoints };
  struct Reached {
    std::size_t end = 0;            ///< the first item that was not run
    bool needs_savepoints = false;  ///< one failed that had changed something
  };
  Reached runItems(const std::vector<Item>& batch, std::size_t from, Errors& errors, Undo undo);
  std::optional<Error> runItem(const Item& item);
  std::optional<Error> runItemAlone(const Item& item);
  std::optional<Error> commit();
  void rollBack();
  void checkpointWhenIdle();
  void checkpointWhenLong();
  void checkpoint();

  const StoreOptions options_;
  const std::unique_ptr<Connection> db_;  // writer's thread only, once that has started
  CommitObservers& observers_;
  WakeFile wake_file_;             // writer's thread only
  bool failed_ = false;            // writer's thread only: the log's state on disk is unknown
  int commit_failures_ = 0;        // writer's thread only: in a row
  std::int64_t checkpointed_ = 0;  // writer's thread only: totalChanges() then

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;      // guarded by mutex_
  std::size_t awaited_ = 1;     // guarded by mutex_: from so many on the thread is woken
  std::size_t last_batch_ = 0;  // writer's thread only: its items
  bool closing_ = false;        // guarded by mutex_
  std::thread thread_;          // guarded by mutex_ until it is joined
};

}  // namespace tutti::store
