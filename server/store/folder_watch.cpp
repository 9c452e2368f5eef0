#include "server/store/folder_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/base/file.hpp"
#include "server/base/log.hpp"

namespace tutti::store {
namespace net = boost::asio;
namespace {
constexpr const char* kLimitName = "watch_limit";
constexpr std::size_t kEventBytesMax = 8192;  ///< taken from the kernel at once

int openInotify() {
  return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

std::uint32_t maskOf(FolderWatch::Changes changes) {
  const std::uint32_t wanted =
      changes == FolderWatch::Changes::Written ? IN_MODIFY | IN_CREATE : IN_CLOSE_WRITE | IN_DELETE;
  return wanted | IN_ONLYDIR | IN_MASK_CREATE;
}

Error limitReached(const char* limit, int number) {
  return Error(Code::ResourceExhausted,
               std::string("the kernel's limit ") + limit + " is reached: " + errnoText(number),
               std::string("raise ") + limit + " with sysctl")
      .named(kLimitName);
}
}  // namespace

struct FolderWatch::Impl : std::enable_shared_from_this<FolderWatch::Impl> {
  Impl(net::io_context& io, Opener open) : opener(std::move(open)), inotify(io) {}

  Status open();
  Result<int> add(const std::filesystem::path& folder, Changes changes);
  void await();
  void read();
  void dispatch(const char* events, std::size_t size);
  void tell(int id, std::span<const std::string_view> names);
  void tellAllLost();
  void remove(int id);
  Error refused(Error error);

  const Opener opener;
  net::posix::stream_descriptor inotify;
  std::map<int, std::shared_ptr<Callback>> callbacks;  ///< by the kernel's number of the watch
  bool warned = false;
};

struct FolderWatch::Watch::State {
  State(std::weak_ptr<Impl> of, int watch_id) : impl(std::move(of)), id(watch_id) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (const auto alive = impl.lock()) alive->remove(id);
  }

  const std::weak_ptr<Impl> impl;
  const int id;
};

FolderWatch::Watch::Watch(Watch&&) noexcept = default;
FolderWatch::Watch& FolderWatch::Watch::operator=(Watch&&) noexcept = default;
FolderWatch::Watch::~Watch() = default;

bool isWatchLimit(const Error& error) {
  return error.name() == kLimitName;
}

Error FolderWatch::Impl::refused(Error error) {
  if (isWatchLimit(error) && !std::exchange(warned, true))
    log::warning("changes in files are looked for in short intervals, as they cannot be watched",
                 {{"error", error.message()}, {"hint", error.hint()}});
  return error;
}

Status FolderWatch::Impl::open() {
  if (inotify.is_open()) return ok();
  const int fd = opener();
  // Whatever the reason is, there is no instance, and polling does without.
  if (fd < 0) return limitReached("fs.inotify.max_user_instances", errno);
  inotify.assign(fd);
  await();
  return ok();
}

Result<int> FolderWatch::Impl::add(const std::filesystem::path& folder, Changes changes) {
  if (Status opened = open(); !opened.ok()) return std::move(opened).error();
  const int id = ::inotify_add_watch(inotify.native_handle(), folder.c_str(), maskOf(changes));
  if (id >= 0) return id;
  if (errno == ENOSPC) return limitReached("fs.inotify.max_user_watches", errno);
  return Error(Code::Internal, "cannot watch '" + folder.string() + "': " + errnoText(errno))
      .named("watch_failed");
}

void FolderWatch::Impl::await() {
  inotify.async_wait(net::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (error || !self) return;
                       self->read();
                       self->await();
                     });
}

void FolderWatch::Impl::read() {
  alignas(inotify_event) char buffer[kEventBytesMax];
  while (inotify.is_open()) {
    const ssize_t size = ::read(inotify.native_handle(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    dispatch(buffer, static_cast<std::size_t>(size));
  }
}

/// One call for each watch that has something in this piece.
void FolderWatch::Impl::dispatch(const char* events, std::size_t size) {
  std::map<int, std::vector<std::string_view>> names;
  bool lost = false;
  for (std::size_t at = 0; at < size;) {
    const void* const place = events + at;
    const auto& event = *static_cast<const inotify_event*>(place);
    at += sizeof(inotify_event) + event.len;
    if ((event.mask & IN_Q_OVERFLOW) != 0) lost = true;
    if (event.len > 0) names[event.wd].emplace_back(event.name);
  }
  if (lost) return tellAllLost();
  for (const auto& [id, changed] : names) tell(id, changed);
}

/// A callback may end watches, its own included, and this object.
void FolderWatch::Impl::tell(int id, std::span<const std::string_view> names) {
  const auto found = callbacks.find(id);
  if (found == callbacks.end()) return;
  const std::shared_ptr<Callback> callback = found->second;
  (*callback)(names);
}

void FolderWatch::Impl::tellAllLost() {
  std::vector<int> ids;
  for (const auto& [id, callback] : callbacks) ids.push_back(id);
  for (const int id : ids) tell(id, {});
}

void FolderWatch::Impl::remove(int id) {
  if (callbacks.erase(id) > 0 && inotify.is_open()) ::inotify_rm_watch(inotify.native_handle(), id);
}

FolderWatch::FolderWatch(net::io_context& io) : FolderWatch(io, openInotify) {}
FolderWatch::FolderWatch(net::io_context& io, Opener opener)
    : impl_(std::make_shared<Impl>(io, std::move(opener))) {}

FolderWatch::~FolderWatch() {
  impl_->callbacks.clear();
  boost::system::error_code ignored;
  impl_->inotify.close(ignored);
}

Result<FolderWatch::Watch> FolderWatch::watch(const std::filesystem::path& folder, Changes changes,
                                              Callback callback) {
  Result<int> id = impl_->add(folder, changes);
  if (!id.ok()) return impl_->refused(std::move(id).error());
  impl_->callbacks.emplace(*id, std::make_shared<Callback>(std::move(callback)));
  Watch watch;
  watch.state_ = std::make_shared<Watch::State>(impl_, *id);
  return watch;
}

}  // namespace tutti::store
