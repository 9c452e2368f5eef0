// Tasks in the store: they survive their process, and every replica answers for them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/mcp/tasks/task.hpp"
#include "server/mcp/timers.hpp"
#include "server/store/notifier.hpp"
#include "server/store/store.hpp"
#include "server/tasks/task_rows.hpp"

namespace tutti::tasks {

/// Runs on the I/O thread only. `store`, `notifier` and what `post` posts to outlive it.
class DurableTaskStore final : public mcp::TaskStore,
                               public std::enable_shared_from_this<DurableTaskStore> {
 public:
  struct Parts {
    store::Store& store;
    store::Notifier& notifier;
    std::function<void(std::function<void()>)> post;  ///< to the I/O thread
    std::string replica;                              ///< who works on the tasks made here
    std::function<bool(const std::string&)> is_dead;  ///< does no process hold this id any more?
    std::shared_ptr<mcp::Timers> timers;
    const Clock* clock = &Clock::system();
    std::size_t tasks_max = 4096;  ///< kept at once, of all clients; ended ones until they expire
  };
  explicit DurableTaskStore(Parts parts) : parts_(std::move(parts)) {}

  void create(mcp::Task task, Done done) override;
  void get(const std::string& id, const std::string& owner, Done done) override;
  void change(const std::string& id, mcp::TaskChange change, Done done) override;
  void list(const mcp::TaskQuery& query, Listed done) override;
  void onChange(std::function<void(const mcp::Task&)> watcher) override {
    watcher_ = std::move(watcher);
  }
  void follow(const std::string& id) override;
  void unfollow(const std::string& id) override;
  void onOrphan(std::function<void(mcp::Task)> heir) override { heir_ = std::move(heir); }

  /// From now on calls of these tools are left to processes that have them.
  void leave(const std::vector<std::string>& tools);
  /// Takes over what replicas that are dead by now have left. Call once tasks can be run.
  void adoptAll();
  /// The same for one that has just died.
  void adopt(const std::string& replica);

 private:
  struct Followed {
    std::size_t count = 0;
    std::int64_t seen = 0;  ///< its change_seq as the watcher knows it; 0: not at all
  };
  /// One look at what has changed.
  struct Look {
    std::int64_t latest = 0;
    std::vector<Change> changes;
  };

  void write(store::Store::Work work, std::function<void(Status)> then);
  /// In order with the writes that are under way.
  void read(store::Store::Work work, std::function<void(Status)> then);
  void tell(const TaskRow& row);
  void look();
  void looked(const Status& status, const Look& found);
  void show(std::vector<std::string> ids);
  void endLater(const std::string& id, mcp::TaskChange end, const Error& error);
  void adoptLater(const std::string& replica, const Error& error);

  const Parts parts_;
  std::string left_ = "[]";  ///< as Adoption has it
  std::function<void(const mcp::Task&)> watcher_;
  std::function<void(mcp::Task)> heir_;
  std::size_t writes_ = 0;  ///< under way
  std::unordered_map<std::string, Followed> followed_;
  std::vector<std::string> fresh_;  ///< followed since the last look
  std::optional<store::Notifier::Watch> commits_;
  std::optional<std::int64_t> latest_;  ///< unknown while nothing is followed
  bool looking_ = false;
  bool look_again_ = false;
  std::unordered_map<std::string, std::shared_ptr<void>> retries_;  ///< timers, by replica or task
};

}  // namespace tutti::tasks
