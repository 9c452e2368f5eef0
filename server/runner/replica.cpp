#include "server/runner/replica.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <set>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/ids.hpp"

namespace tutti::runner {
namespace net = boost::asio;
namespace fs = std::filesystem;

namespace {
constexpr std::string_view kSuffix = ".lock";
constexpr auto kPollEvery = std::chrono::milliseconds(50);
/// A change this young may have one after it with the same time of the kernel's coarse clock.
constexpr auto kYoung = std::chrono::milliseconds(100);
constexpr int kProbesMax = 8;
constexpr int kJoinsMax = 100;

fs::path lockPath(const fs::path& folder, const std::string& id) {
  return folder / (id + std::string(kSuffix));
}

bool isSameFile(int fd, const fs::path& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}
}  // namespace

struct Replica::Impl : std::enable_shared_from_this<Replica::Impl> {
  Impl(net::io_context& context, fs::path folder_path)
      : io(context), folder(std::move(folder_path)), id(newReplicaId()), poll_timer(context) {}

  bool isDead(const std::string& other) const;
  std::set<std::string> others() const;
  void onFiles(std::span<const std::string_view> names);
  void probe(const std::string& other, int attempt);
  void poll();
  void lookAround();
  bool folderChanged();

  net::io_context& io;
  fs::path folder;
  std::string id;
  Fd lock;
  store::FolderWatch::Watch watch;
  net::steady_timer poll_timer;
  fs::file_time_type polled_at;  ///< the folder's time at the last look
  std::set<std::string> dead;    ///< at the last look
  std::function<void(const std::string&)> departed;
};

Result<std::unique_ptr<Replica>> Replica::join(net::io_context& io, const fs::path& folder) {
  if (Status made = makeFolder(folder); !made.ok()) return std::move(made).error();
  auto impl = std::make_shared<Impl>(io, folder);
  const fs::path path = lockPath(folder, impl->id);
  for (int attempt = 0; attempt < kJoinsMax; ++attempt) {
    Result<Fd> lock = tryLockFile(path);
    if (!lock.ok()) return std::move(lock).error();
    // Another may take a file that is not locked yet for a dead replica's, and remove it.
    if (!*lock || !isSameFile(lock->get(), path)) continue;
    impl->lock = std::move(*lock);
    return std::unique_ptr<Replica>(new Replica(std::move(impl)));
  }
  return Error(Code::Internal, "cannot hold the lock '" + path.string() + "'")
      .named("replica_lock");
}

Replica::Replica(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Replica::~Replica() {
  impl_->departed = nullptr;
  impl_->watch = {};
  impl_->poll_timer.cancel();
  ::unlink(lockPath(impl_->folder, impl_->id).c_str());
}

const std::string& Replica::id() const {
  return impl_->id;
}
bool Replica::isDead(const std::string& id) const {
  return impl_->isDead(id);
}

void Replica::forget(const std::string& id) const {
  if (isSafeId(id)) ::unlink(lockPath(impl_->folder, id).c_str());
}

void Replica::forgetDead() const {
  for (const std::string& other : impl_->others())
    if (isDead(other)) forget(other);
}

bool Replica::Impl::isDead(const std::string& other) const {
  if (other == id) return false;
  if (!isSafeId(other)) return true;
  // Read-only and shared: closing such a descriptor wakes nobody, and two probes do not collide.
  const Fd probe(::open(lockPath(folder, other).c_str(), O_RDONLY | O_CLOEXEC));
  if (!probe) return errno == ENOENT;
  return ::flock(probe.get(), LOCK_SH | LOCK_NB) == 0;
}

/// The ids of all other replicas that have a lock file.
std::set<std::string> Replica::Impl::others() const {
  std::set<std::string> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().extension() == kSuffix) found.insert(entry.path().stem().string());
  found.erase(id);
  return found;
}

Status Replica::watchDepartures(store::FolderWatch& folders,
                                std::function<void(const std::string&)> callback) {
  auto watching =
      folders.watch(impl_->folder, store::FolderWatch::Changes::Closed,
                    [weak = std::weak_ptr(impl_)](std::span<const std::string_view> names) {
                      if (const auto self = weak.lock()) self->onFiles(names);
                    });
  if (!watching.ok() && !store::isWatchLimit(watching.error())) return std::move(watching).error();
  impl_->departed = std::move(callback);
  if (watching.ok()) {
    impl_->watch = std::move(*watching);
    return ok();
  }
  impl_->folderChanged();
  for (const std::string& other : impl_->others())
    if (isDead(other)) impl_->dead.insert(other);  // from before: not our news
  impl_->poll();
  return ok();
}

void Replica::Impl::onFiles(std::span<const std::string_view> names) {
  if (names.empty() && departed) departed("");
  for (std::string_view name : names) {
    if (name.size() <= kSuffix.size() || !name.ends_with(kSuffix)) continue;
    name.remove_suffix(kSuffix.size());
    if (name != id) probe(std::string(name), 0);
  }
}

void Replica::Impl::poll() {
  poll_timer.expires_after(kPollEvery);
  poll_timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || !self->departed) return;
    self->lookAround();
    self->poll();
  });
}

void Replica::Impl::lookAround() {
  std::set<std::string> now_dead;
  for (const std::string& other : others())
    if (isDead(other)) now_dead.insert(other);
  const std::set<std::string> known = std::exchange(dead, now_dead);
  const bool changed = folderChanged();
  for (const std::string& other : now_dead)
    if (departed && !known.contains(other)) departed(other);
  // One that came and left between two looks was never seen; only the folder tells.
  if (departed && changed) departed("");
}

bool Replica::Impl::folderChanged() {
  std::error_code none;
  const fs::file_time_type time = fs::last_write_time(folder, none);
  const bool young = fs::file_time_type::clock::now() - time < kYoung;
  return std::exchange(polled_at, time) != time || young;
}

// The kernel tells of the close just before it frees the lock, so the first probe may come too
// early.
void Replica::Impl::probe(const std::string& other, int attempt) {
  if (!departed) return;
  if (isDead(other)) return departed(other);
  if (attempt >= kProbesMax) return;
  auto timer = std::make_shared<net::steady_timer>(io, std::chrono::milliseconds(1 << attempt));
  timer->async_wait([self = shared_from_this(), timer, other, attempt](boost::system::error_code) {
    self->probe(other, attempt + 1);
  });
}

}  // namespace tutti::runner
