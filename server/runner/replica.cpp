#include "server/runner/replica.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/base/log.hpp"

namespace tutti::runner {
namespace net = boost::asio;
namespace fs = std::filesystem;

namespace {
constexpr std::string_view kSuffix = ".lock";
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
      : io(context), folder(std::move(folder_path)), id(newReplicaId()), watch(context) {}

  bool isDead(const std::string& other) const;
  void readEvents();
  void handleEvents(std::size_t size);
  void probe(const std::string& other, int attempt);

  net::io_context& io;
  fs::path folder;
  std::string id;
  Fd lock;
  net::posix::stream_descriptor watch;
  alignas(inotify_event) std::array<char, 8192> buffer{};
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
  boost::system::error_code ignored;
  impl_->watch.close(ignored);
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
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(impl_->folder, none)) {
    const std::string other = entry.path().stem().string();
    if (entry.path().extension() == kSuffix && isDead(other)) forget(other);
  }
}

bool Replica::Impl::isDead(const std::string& other) const {
  if (other == id) return false;
  if (!isSafeId(other)) return true;
  // Read-only and shared: closing such a descriptor wakes nobody, and two probes do not collide.
  const Fd probe(::open(lockPath(folder, other).c_str(), O_RDONLY | O_CLOEXEC));
  if (!probe) return errno == ENOENT;
  return ::flock(probe.get(), LOCK_SH | LOCK_NB) == 0;
}

Status Replica::watchDepartures(std::function<void(const std::string&)> callback) {
  Fd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify ||
      ::inotify_add_watch(inotify.get(), impl_->folder.c_str(), IN_CLOSE_WRITE | IN_DELETE) < 0)
    return Error(Code::Internal,
                 "cannot watch '" + impl_->folder.string() + "': " + errnoText(errno),
                 "raise fs.inotify.max_user_instances or fs.inotify.max_user_watches");
  impl_->departed = std::move(callback);
  impl_->watch.assign(inotify.release());
  impl_->readEvents();
  return ok();
}

void Replica::Impl::readEvents() {
  watch.async_read_some(
      net::buffer(buffer),
      [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
        if (error) return;
        self->handleEvents(size);
        if (self->watch.is_open()) self->readEvents();
      });
}

void Replica::Impl::handleEvents(std::size_t size) {
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    std::string name(buffer.data() + at + sizeof event, event.len);
    name.resize(std::strlen(name.c_str()));
    at += sizeof event + event.len;
    if (name.size() <= kSuffix.size() || !name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    if (name != id) probe(name, 0);
  }
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
