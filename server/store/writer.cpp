#include "server/store/writer.hpp"

#include <sqlite3.h>

#include <chrono>
#include <iterator>
#include <utility>

#include "server/base/log.hpp"
#include "server/store/guard.hpp"

namespace tutti::store {
namespace {
constexpr auto kIdleBeforeCheckpoint = std::chrono::seconds(2);
/// So long the log may become before its pages are moved into the database: a page that changes
/// with every commit is moved once for many. It is what the first block of the log's index holds;
/// readers look a page up in each block.
constexpr std::int64_t kLogPagesMax = 4000;

Error storeFailed() {
  return Error(Code::Unavailable, "the store refuses writes since a commit failed on the disk",
               "check the disk, then start tutti again")
      .named("store_failed");
}

/// For an item that succeeded in a transaction that SQLite then rolled back under it.
Error lostWith(const Error& cause) {
  return Error(cause.code(), cause.message(), cause.hint()).named(std::string(cause.name()));
}
}  // namespace

Writer::Writer(std::unique_ptr<Connection> db, const std::filesystem::path& folder,
               StoreOptions options, CommitObservers& observers)
    : options_(options), db_(std::move(db)), observers_(observers), wake_file_(folder) {
  // Inserts touch pages all over the indices; what this holds is given back when the writer is
  // idle.
  db_->execute("PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 20971520");
  db_->checkpointByHand();
}

Writer::~Writer() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writer::submit(Store::Work work, Store::Done done) {
  std::optional<Error> refused;
  bool wakes = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) {
      refused = Error(Code::Unavailable, "the store is closing");
    } else if (queue_.size() >= options_.queue_max) {
      refused = Error(Code::Unavailable,
                      "the store's queue is full: " + std::to_string(options_.queue_max) +
                          " writes wait (queue_max)",
                      "try again")
                    .named("store_queue_full");
    } else {
      queue_.push_back({std::move(work), std::move(done)});
      if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
      wakes = queue_.size() >= awaited_;
    }
  }
  if (refused) return finish(done, std::move(*refused));
  if (wakes) wake_.notify_one();
}

std::size_t Writer::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

void Writer::loop() {
  for (;;) {
    const std::vector<Item> batch = nextBatch();
    if (batch.empty()) return;
    runBatch(batch);
  }
}

std::vector<Writer::Item> Writer::nextBatch() {
  std::unique_lock lock(mutex_);
  while (queue_.empty() && !closing_) {
    if (db_->totalChanges() == checkpointed_) {
      wake_.wait(lock);
    } else if (wake_.wait_for(lock, kIdleBeforeCheckpoint) == std::cv_status::timeout &&
               queue_.empty()) {
      lock.unlock();
      checkpointWhenIdle();
      lock.lock();
    }
  }
  waitForCompany(lock);
  last_batch_ = std::min(queue_.size(), options_.batch_max);
  const auto size = static_cast<std::ptrdiff_t>(last_batch_);
  std::vector<Item> batch(std::make_move_iterator(queue_.begin()),
                          std::make_move_iterator(queue_.begin() + size));
  queue_.erase(queue_.begin(), queue_.begin() + size);
  return batch;
}

void Writer::waitForCompany(std::unique_lock<std::mutex>& lock) {
  if (queue_.empty() || queue_.size() >= last_batch_) return;
  awaited_ = last_batch_;
  wake_.wait_for(lock, std::chrono::microseconds(options_.company_wait_max_us),
                 [this] { return queue_.size() >= awaited_ || closing_; });
  awaited_ = 1;
}

void Writer::checkpointWhenIdle() {
  checkpointed_ = db_->totalChanges();
  try {
    db_->execute("PRAGMA shrink_memory");
  } catch (const DatabaseError& problem) {
    log::warning("memory was not given back", {{"what", problem.what()}});
  }
  checkpoint();
}

/// After the answers, so that nobody waits for it but those who ask meanwhile.
void Writer::checkpointWhenLong() {
  if (!failed_ && db_->logPages() >= kLogPagesMax) checkpoint();
}

void Writer::checkpoint() {
  try {
    db_->checkpoint();
  } catch (const DatabaseError& problem) {
    log::warning("checkpoint failed", {{"what", problem.what()}});
  }
}

void Writer::runBatch(const std::vector<Item>& batch) {
  Errors errors(batch.size());
  const std::int64_t changes = db_->totalChanges();
  std::size_t from = 0;
  while (from < batch.size()) from = runTransaction(batch, from, errors);
  if (db_->totalChanges() != changes) {
    observers_.notify();
    wake_file_.touch();
  }
  for (std::size_t i = 0; i < batch.size(); ++i)
    finish(batch[i].done, errors[i] ? Status(std::move(*errors[i])) : ok());
  checkpointWhenLong();
}

/// Runs items from `from` on in one transaction. Returns the first item that was not reached:
/// SQLite may end a transaction by itself (a full disk), and what comes after gets a new one.
///
/// A savepoint makes SQLite copy every page that an item touches, which costs as much as the rest
/// of the item. Hardly an item fails, and most that do have changed nothing: so savepoints are set
/// only in a second try, when an item did fail halfway.
std::size_t Writer::runTransaction(const std::vector<Item>& batch, std::size_t from,
                                   Errors& errors) {
  const auto fail = [&errors, from](std::size_t end, const Error& error) {
    for (std::size_t i = from; i < end; ++i)
      if (!errors[i]) errors[i] = lostWith(error);
    return end;
  };
  if (failed_) return fail(batch.size(), storeFailed());
  try {
    Statement(*db_, "BEGIN IMMEDIATE").run();
    Reached reached = runItems(batch, from, errors, Undo::None);
    if (reached.needs_savepoints) {
      Statement(*db_, "ROLLBACK").run();
      Statement(*db_, "BEGIN IMMEDIATE").run();
      reached = runItems(batch, from, errors, Undo::Savepoints);
    }
    if (!db_->inTransaction()) return fail(reached.end, *errors[reached.end - 1]);
  } catch (const DatabaseError& problem) {
    rollBack();
    return fail(batch.size(), problem.toError());
  }
  if (const std::optional<Error> problem = commit()) fail(batch.size(), *problem);
  return batch.size();
}

/// Ends early, with the error of the item before `end`, when the transaction is gone.
Writer::Reached Writer::runItems(const std::vector<Item>& batch, std::size_t from, Errors& errors,
                                 Undo undo) {
  for (std::size_t i = from; i < batch.size(); ++i) {
    const std::int64_t changes = db_->totalChanges();
    errors[i] = undo == Undo::Savepoints ? runItemAlone(batch[i]) : runItem(batch[i]);
    if (!db_->inTransaction()) {
      if (!errors[i]) errors[i] = Error(Code::Internal, "a write ended the store's transaction");
      return {i + 1};
    }
    if (undo == Undo::None && errors[i] && db_->totalChanges() != changes) return {i + 1, true};
  }
  return {batch.size()};
}

std::optional<Error> Writer::runItem(const Item& item) {
  const Status status = runGuarded(item.work, *db_);
  return status.ok() ? std::nullopt : std::optional<Error>(status.error());
}

/// In a savepoint: what a failing item has changed is undone, and nothing else.
std::optional<Error> Writer::runItemAlone(const Item& item) {
  try {
    Statement(*db_, "SAVEPOINT item").run();
    const Status status = runGuarded(item.work, *db_);
    if (status.ok()) {
      if (db_->inTransaction()) Statement(*db_, "RELEASE item").run();
      return std::nullopt;
    }
    if (db_->inTransaction()) {
      Statement(*db_, "ROLLBACK TO item").run();
      Statement(*db_, "RELEASE item").run();
    }
    return status.error();
  } catch (const DatabaseError& problem) {
    // The item can be neither kept nor undone alone.
    rollBack();
    return problem.toError();
  }
}

std::optional<Error> Writer::commit() {
  try {
    Statement(*db_, "COMMIT").run();
    commit_failures_ = 0;
    return std::nullopt;
  } catch (const DatabaseError& problem) {
    rollBack();
    const bool full = (problem.sqliteCode() & 0xff) == SQLITE_FULL;
    if (!full) ++commit_failures_;
    if (problem.sqliteCode() == SQLITE_IOERR_FSYNC || commit_failures_ >= 2) failed_ = true;
    log::error("commit failed", {{"what", problem.what()},
                                 {"sqlite_code", problem.sqliteCode()},
                                 {"writes_refused", failed_}});
    return problem.toError();
  }
}

void Writer::rollBack() {
  try {
    if (db_->inTransaction()) db_->execute("ROLLBACK");
  } catch (const DatabaseError& problem) {
    log::error("rollback failed", {{"what", problem.what()}});
    failed_ = true;
  }
}

}  // namespace tutti::store
