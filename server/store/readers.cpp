#include "server/store/readers.hpp"

#include <algorithm>
#include <utility>

#include "server/store/guard.hpp"

namespace tutti::store {

Readers::Readers(std::string path, StoreOptions options)
    : path_(std::move(path)), options_(options) {}

Readers::~Readers() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Readers::submit(Store::Work work, Store::Done done) {
  std::optional<Error> refused;
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) {
      refused = Error(Code::Unavailable, "the store is closing");
    } else if (queue_.size() >= options_.queue_max) {
      refused = Error(Code::Unavailable,
                      "the store's queue is full: " + std::to_string(options_.queue_max) +
                          " reads wait (queue_max)",
                      "try again")
                    .named("store_queue_full");
    } else {
      queue_.push_back({std::move(work), std::move(done)});
      const auto threads_max = static_cast<std::size_t>(std::max(1, options_.readers));
      if (queue_.size() > free_ && threads_.size() < threads_max)
        threads_.emplace_back([this] { loop(); });
    }
  }
  if (refused) return finish(done, std::move(*refused));
  wake_.notify_one();
}

void Readers::loop() {
  std::optional<Connection> db;
  Item item;
  while (next(item)) {
    finish(item.done, run(db, item.work));
    item = {};
  }
}

bool Readers::next(Item& item) {
  std::unique_lock lock(mutex_);
  ++free_;
  wake_.wait(lock, [this] { return !queue_.empty() || closing_; });
  --free_;
  if (queue_.empty()) return false;
  item = std::move(queue_.front());
  queue_.pop_front();
  return true;
}

Status Readers::runAside(const Store::Work& work) const {
  std::optional<Connection> db;
  try {
    db.emplace(path_, Access::ReadOnly, options_.busy_timeout_ms);
    db->execute("PRAGMA temp_store = FILE");
  } catch (const DatabaseError& problem) {
    return problem.toError();
  }
  return run(db, work);
}

Status Readers::run(std::optional<Connection>& db, const Store::Work& work) const {
  try {
    if (!db) db.emplace(path_, Access::ReadOnly, options_.busy_timeout_ms);
    Statement(*db, "BEGIN").run();
    Status status = runGuarded(work, *db);
    if (db->inTransaction()) Statement(*db, "COMMIT").run();
    return status;
  } catch (const DatabaseError& problem) {
    db.reset();  // whatever is wrong with it, the next read starts afresh
    return problem.toError();
  }
}

}  // namespace tutti::store
