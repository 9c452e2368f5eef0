// A replica: one running tutti process. Its lock file is what the others know it by.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "server/base/result.hpp"
#include "server/store/folder_watch.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::runner {

/// This process's membership among the replicas of one store. It holds a flock on
/// replicas/<id>.lock; the kernel frees that when the process dies, however it dies, and the
/// closing of the file wakes the others, so that what this replica owned is adopted at once. Those
/// that cannot watch the folder look at the locks every 50 ms. Runs on the I/O thread only.
class Replica {
 public:
  /// Creates the lock file under a fresh id. Errors: disk_full, Internal.
  static Result<std::unique_ptr<Replica>> join(boost::asio::io_context& io,
                                               const std::filesystem::path& replicas_folder);
  /// Leaves: removes the lock file.
  ~Replica();

  const std::string& id() const;
  /// Does no process hold this id any more? Ids are never used twice, so the answer yes is final.
  bool isDead(const std::string& id) const;
  /// `callback` runs on the I/O thread with the id of each replica that has died or left from now
  /// on, and with "" when one may have that is not known by its id. `folders` outlives this.
  Status watchDepartures(store::FolderWatch& folders,
                         std::function<void(const std::string& id)> callback);
  /// Removes what a dead replica left in the folder.
  void forget(const std::string& id) const;
  /// The same for all dead replicas: those that owned nothing are adopted by nobody.
  void forgetDead() const;

 private:
  struct Impl;
  explicit Replica(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::runner
