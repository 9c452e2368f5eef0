#include "server/tasks/durable_store.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/log.hpp"
#include "server/json/json.hpp"

namespace tutti::tasks {
using mcp::Task;

namespace {
constexpr std::size_t kLookMax = 256;  // changes in one look
constexpr std::size_t kAdoptMax = 64;  // tasks in one step
constexpr std::int64_t kRetryMs = 1'000;

/// What `work` makes, for `done` when it is on disk.
template <class T>
store::Store::Work into(std::shared_ptr<T> made, std::function<Result<T>(store::Tx&)> work) {
  return [made = std::move(made), work = std::move(work)](store::Tx& tx) -> Status {
    Result<T> result = work(tx);
    if (!result.ok()) return std::move(result).error();
    *made = std::move(*result);
    return ok();
  };
}
}  // namespace

// What `then` holds is moved on to the I/O thread and never copied: it must not be let go of here.

void DurableTaskStore::write(store::Store::Work work, std::function<void(Status)> then) {
  ++writes_;
  parts_.store.write(std::move(work), [weak = weak_from_this(), post = parts_.post,
                                       then = std::move(then)](Status status) mutable {
    post([weak, then = std::move(then), status = std::move(status)] {
      const auto self = weak.lock();
      if (!self) return;
      --self->writes_;
      then(status);
    });
  });
}

void DurableTaskStore::read(store::Store::Work work, std::function<void(Status)> then) {
  if (writes_ > 0) return write(std::move(work), std::move(then));
  parts_.store.read(std::move(work), [weak = weak_from_this(), post = parts_.post,
                                      then = std::move(then)](Status status) mutable {
    post([weak, then = std::move(then), status = std::move(status)] {
      if (const auto self = weak.lock()) then(status);
    });
  });
}

void DurableTaskStore::create(Task task, Done done) {
  auto row = std::make_shared<TaskRow>();
  NewTask made{std::move(task), parts_.replica, parts_.tasks_max, parts_.clock->now()};
  write(
      into<TaskRow>(row, [made = std::move(made)](store::Tx& tx) { return insertTask(tx, made); }),
      [this, row, done = std::move(done)](const Status& status) {
        if (!status.ok()) return done(status.error());
        tell(*row);
        done(std::move(row->task));
      });
}

void DurableTaskStore::get(const std::string& id, const std::string& owner, Done done) {
  auto row = std::make_shared<TaskRow>();
  read(into<TaskRow>(
           row, [id, now = parts_.clock->now()](store::Tx& db) { return findTask(db, id, now); }),
       [row, owner, done = std::move(done)](const Status& status) {
         if (!status.ok()) return done(status.error());
         if (row->task.owner != owner) return done(unknownTask());
         done(std::move(row->task));
       });
}

void DurableTaskStore::change(const std::string& id, mcp::TaskChange change, Done done) {
  auto row = std::make_shared<TaskRow>();
  const auto wanted = std::make_shared<const mcp::TaskChange>(std::move(change));
  write(into<TaskRow>(row, [id, wanted, now = parts_.clock->now()](
                               store::Tx& tx) { return changeTask(tx, id, *wanted, now); }),
        [this, id, wanted, row, done = std::move(done)](const Status& status) {
          if (!status.ok()) {
            if (wanted->status && isTerminal(*wanted->status))
              endLater(id, *wanted, status.error());
            return done(status.error());
          }
          tell(*row);
          done(std::move(row->task));
        });
}

/// An end that could not be written would leave the task unfinished for as long as this process
/// lives. It is tried again until it is written, or the task has expired.
void DurableTaskStore::endLater(const std::string& id, mcp::TaskChange end, const Error& error) {
  if (error.code() == Code::NotFound || error.code() == Code::Conflict || !parts_.timers) return;
  retries_[id] =
      parts_.timers->after(kRetryMs, [weak = weak_from_this(), id, end = std::move(end)] {
        const auto self = weak.lock();
        if (!self) return;
        const auto timer = self->retries_.extract(id);
        self->change(id, end, [](const Result<Task>&) {});
      });
}

void DurableTaskStore::list(const mcp::TaskQuery& query, Listed done) {
  auto found = std::make_shared<std::vector<Task>>();
  read(into<std::vector<Task>>(found, [query, now = parts_.clock->now()](
                                          store::Tx& db) { return listTasks(db, query, now); }),
       [found, done = std::move(done)](const Status& status) {
         if (!status.ok()) return done(status.error());
         done(std::move(*found));
       });
}

void DurableTaskStore::tell(const TaskRow& row) {
  const auto followed = followed_.find(row.task.id);
  if (followed != followed_.end()) {
    if (followed->second.seen >= row.change_seq) return;
    followed->second.seen = row.change_seq;
  }
  if (watcher_) watcher_(row.task);
}

// --- what other processes do ---------------------------------------------------------------------

void DurableTaskStore::follow(const std::string& id) {
  if (++followed_[id].count > 1) return;
  fresh_.push_back(id);
  if (!commits_)
    commits_.emplace(parts_.notifier.watchCommits([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->look();
    }));
  look();
}

void DurableTaskStore::unfollow(const std::string& id) {
  const auto found = followed_.find(id);
  if (found == followed_.end() || --found->second.count > 0) return;
  followed_.erase(found);
  if (!followed_.empty()) return;
  commits_.reset();
  latest_.reset();
  fresh_.clear();
}

/// First what has changed at all, then the tasks that somebody follows: most are nobody's business
/// here, and results are long.
void DurableTaskStore::look() {
  if (followed_.empty()) return;
  look_again_ = looking_;
  if (std::exchange(looking_, true)) return;
  auto found = std::make_shared<Look>();
  parts_.store.read(
      [found, latest = latest_](store::Connection& db) -> Status {
        if (latest) found->changes = changesAfter(db, *latest, kLookMax);
        found->latest = latest ? *latest : latestChange(db);
        if (!found->changes.empty()) found->latest = found->changes.back().change_seq;
        return ok();
      },
      [weak = weak_from_this(), post = parts_.post, found](Status status) {
        post([weak, found, status = std::move(status)] {
          if (const auto self = weak.lock()) self->looked(status, *found);
        });
      });
}

void DurableTaskStore::looked(const Status& status, const Look& found) {
  looking_ = false;
  if (!status.ok()) {  // the next commit makes us look again
    log::warning("cannot look for changed tasks", {{"error", status.error().message()}});
    return;
  }
  if (followed_.empty()) return;
  latest_ = found.latest;
  std::vector<std::string> wanted = std::exchange(fresh_, {});
  for (const Change& change : found.changes) {
    const auto followed = followed_.find(change.task_id);
    if (followed != followed_.end() && followed->second.seen < change.change_seq)
      wanted.push_back(change.task_id);
  }
  if (!wanted.empty()) show(std::move(wanted));
  if (look_again_ || found.changes.size() == kLookMax) look();
}

void DurableTaskStore::show(std::vector<std::string> ids) {
  auto rows = std::make_shared<std::vector<TaskRow>>();
  parts_.store.read(
      [rows, ids = std::move(ids), now = parts_.clock->now()](store::Connection& db) -> Status {
        for (const std::string& id : ids) {
          auto row = findTask(db, id, now);
          if (row.ok()) rows->push_back(std::move(*row));
        }
        return ok();
      },
      [weak = weak_from_this(), post = parts_.post, rows](Status) {
        post([weak, rows] {
          const auto self = weak.lock();
          if (!self) return;
          for (const TaskRow& row : *rows)
            if (self->followed_.contains(row.task.id)) self->tell(row);
        });
      });
}

// --- adoption ------------------------------------------------------------------------------------

void DurableTaskStore::leave(const std::vector<std::string>& tools) {
  left_ = json::dump(Json(tools));
}

void DurableTaskStore::adoptAll() {
  auto owners = std::make_shared<std::vector<std::string>>();
  read(
      [owners, now = parts_.clock->now()](store::Connection& db) -> Status {
        *owners = taskOwners(db, now);
        return ok();
      },
      [this, owners](const Status& status) {
        if (!status.ok())
          log::error("cannot look for tasks left behind", {{"error", status.error().message()}});
        for (const std::string& owner : *owners)
          if (owner != parts_.replica && parts_.is_dead(owner)) adopt(owner);
      });
}

void DurableTaskStore::adopt(const std::string& replica) {
  auto adopted = std::make_shared<std::vector<Task>>();
  write(
      [adopted, adoption = Adoption{replica, parts_.replica, kAdoptMax, left_},
       now = parts_.clock->now()](store::Tx& tx) -> Status {
        *adopted = adoptTasks(tx, adoption, now);
        return ok();
      },
      [this, replica, adopted](const Status& status) {
        if (!status.ok()) return adoptLater(replica, status.error());
        if (adopted->empty()) return;
        log::info("adopted tasks", {{"from", replica}, {"count", adopted->size()}});
        const bool more = adopted->size() == kAdoptMax;
        if (heir_)
          for (Task& task : *adopted) heir_(std::move(task));
        if (more) adopt(replica);
      });
}

// Nobody else may be there to adopt, so a locked store or a full disk only delays it.
void DurableTaskStore::adoptLater(const std::string& replica, const Error& error) {
  log::error("cannot adopt tasks", {{"from", replica}, {"error", error.message()}});
  if (!parts_.timers) return;
  retries_[replica] = parts_.timers->after(kRetryMs, [weak = weak_from_this(), replica] {
    const auto self = weak.lock();
    if (!self) return;
    const auto timer = self->retries_.extract(replica);
    self->adopt(replica);
  });
}

}  // namespace tutti::tasks
