// Three things make it look at `events`: a commit of this Store (at once), the wake file that every
// process touches after its commit (at once), and the WAL itself, a little later and then once
// more. The last is for a process that died between its commit and its touch, or had no room for
// the file.
#include "server/store/notifier.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/base/log.hpp"
#include "server/store/wake_file.hpp"

namespace tutti::store {
namespace net = boost::asio;
namespace {
constexpr const char* kWalFile = "tutti.db-wal";
constexpr std::array kWalChecks = {std::chrono::milliseconds(20), std::chrono::milliseconds(200)};
constexpr auto kPollEvery = std::chrono::milliseconds(25);
constexpr auto kRetryAfterFailedRead = std::chrono::milliseconds(50);

/// The way from other threads to the I/O thread; closed before the Notifier goes.
class Mailbox {
 public:
  explicit Mailbox(net::io_context& io) : io_(&io) {}
  void post(std::function<void()> task) {
    const std::scoped_lock lock(mutex_);
    if (io_ != nullptr) net::post(*io_, std::move(task));
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::mutex mutex_;
  net::io_context* io_;  // guarded by mutex_
};

/// What one look at the log has found.
struct News {
  std::int64_t last_id = 0;
  bool everyone = false;  ///< where we stood was not known, or a session is gone
  std::vector<std::string> sessions;
};

/// Events above `last_id`, or only where the log ends when that is not known yet.
News readNews(Connection& db, std::optional<std::int64_t> last_id) {
  News news;
  if (!last_id) {
    Statement end(db, "SELECT max(id) FROM events");
    news.last_id = end.step() ? end.integer(0) : 0;
    news.everyone = true;
    return news;
  }
  news.last_id = *last_id;
  Statement rows(db, "SELECT session_id, max(id) FROM events WHERE id > ? GROUP BY session_id",
                 *last_id);
  while (rows.step()) {
    news.last_id = std::max(news.last_id, rows.integer(1));
    if (rows.isNull(0)) {
      news.everyone = true;
    } else {
      news.sessions.push_back(rows.text(0));
    }
  }
  return news;
}
}  // namespace

struct Notifier::Impl : std::enable_shared_from_this<Notifier::Impl> {
  Impl(net::io_context& io, Store& from, FolderWatch& with)
      : store(from),
        folders(with),
        mailbox(std::make_shared<Mailbox>(io)),
        poll_timer(io),
        wal_timer(io),
        retry_timer(io) {}

  void hearOwnCommits();
  Status watchFolder();
  void onFiles(std::span<const std::string_view> names);
  void onWalWritten();
  void poll();
  void armWalTimer(std::size_t step);
  void check();
  void onNews(const Status& status, const News& news);
  void tell(const News& news);
  void tellOfCommit();
  bool idle() const { return watches.empty() && commit_watches.empty(); }
  void remove(std::uint64_t id);

  struct Entry {
    std::string session_id;
    std::shared_ptr<Callback> callback;
  };

  Store& store;
  FolderWatch& folders;
  const std::shared_ptr<Mailbox> mailbox;
  std::shared_ptr<void> commit_hook;
  FolderWatch::Watch folder;
  bool polling = false;  ///< the folder cannot be watched
  bool poll_armed = false;
  net::steady_timer poll_timer;
  net::steady_timer wal_timer;
  net::steady_timer retry_timer;
  bool wal_timer_armed = false;
  bool wal_written_again = false;

  std::optional<std::int64_t> last_id;  ///< unknown at first, and while nobody watches
  bool reading = false;                 ///< one read at a time …
  bool dirty = false;                   ///< … and one more if something happened meanwhile

  std::uint64_t next_watch = 1;
  std::map<std::uint64_t, Entry> watches;
  std::unordered_multimap<std::string, std::uint64_t> by_session;
  std::map<std::uint64_t, std::shared_ptr<Callback>> commit_watches;
};

struct Notifier::Watch::State {
  State(std::weak_ptr<Impl> of, std::uint64_t watch_id) : impl(std::move(of)), id(watch_id) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (const auto alive = impl.lock()) alive->remove(id);
  }

  const std::weak_ptr<Impl> impl;
  const std::uint64_t id;
};

Notifier::Watch::Watch(Watch&&) noexcept = default;
Notifier::Watch& Notifier::Watch::operator=(Watch&&) noexcept = default;
Notifier::Watch::~Watch() = default;

void Notifier::Impl::hearOwnCommits() {
  commit_hook = store.onCommit([weak = weak_from_this(), box = mailbox] {
    box->post([weak] {
      if (const auto self = weak.lock()) self->check();
    });
  });
}

Status Notifier::Impl::watchFolder() {
  auto watching = folders.watch(store.folder(), FolderWatch::Changes::Written,
                                [weak = weak_from_this()](std::span<const std::string_view> names) {
                                  if (const auto self = weak.lock()) self->onFiles(names);
                                });
  if (!watching.ok() && !isWatchLimit(watching.error())) return std::move(watching).error();
  polling = !watching.ok();
  if (!polling) folder = std::move(*watching);
  return ok();
}

void Notifier::Impl::onFiles(std::span<const std::string_view> names) {
  const auto has = [names](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (names.empty() || has(kWakeFile)) check();
  if (has(kWalFile)) onWalWritten();
}

/// Again and again, as long as somebody waits.
void Notifier::Impl::poll() {
  if (!polling || poll_armed || idle()) return;
  poll_armed = true;
  poll_timer.expires_after(kPollEvery);
  poll_timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->poll_armed = false;
    self->check();
    self->poll();
  });
}

void Notifier::Impl::onWalWritten() {
  if (idle()) {
    last_id.reset();
  } else if (wal_timer_armed) {
    wal_written_again = true;
  } else {
    armWalTimer(0);
  }
}

void Notifier::Impl::armWalTimer(std::size_t step) {
  wal_timer_armed = true;
  wal_timer.expires_after(kWalChecks[step]);
  wal_timer.async_wait([weak = weak_from_this(), step](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->wal_timer_armed = false;
    self->check();
    if (self->idle()) return;
    if (std::exchange(self->wal_written_again, false)) {
      self->armWalTimer(0);
    } else if (step + 1 < kWalChecks.size()) {
      self->armWalTimer(step + 1);
    }
  });
}

void Notifier::Impl::check() {
  const auto alive = shared_from_this();  // a callback may end the Notifier itself
  tellOfCommit();
  if (watches.empty()) {
    last_id.reset();  // nobody to tell: whoever comes reads the state for himself first
    return;
  }
  dirty = reading;
  if (reading) return;
  reading = true;
  const auto news = std::make_shared<News>();
  store.read(
      [news, from = last_id](Tx& db) {
        *news = readNews(db, from);
        return ok();
      },
      [news, weak = weak_from_this(), box = mailbox](Status status) {
        box->post([news, weak, status = std::move(status)] {
          if (const auto self = weak.lock()) self->onNews(status, *news);
        });
      });
}

void Notifier::Impl::onNews(const Status& status, const News& news) {
  reading = false;
  if (!status.ok()) {
    log::warning("cannot read what is new in the store", {{"error", status.error().message()}});
    retry_timer.expires_after(kRetryAfterFailedRead);
    retry_timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->check();
    });
    return;
  }
  last_id = news.last_id;
  if (dirty) check();
  tell(news);
}

/// Callbacks may add and end watches, their own too: who is still there is asked before each call.
void Notifier::Impl::tell(const News& news) {
  std::vector<std::uint64_t> ids;
  const auto add = [this, &ids](const std::string& session_id) {
    const auto [begin, end] = by_session.equal_range(session_id);
    for (auto entry = begin; entry != end; ++entry) ids.push_back(entry->second);
  };
  if (news.everyone) {
    for (const auto& [id, entry] : watches) ids.push_back(id);
  } else {
    for (const std::string& session_id : news.sessions) add(session_id);
    if (!news.sessions.empty()) add("");
  }
  const auto self = shared_from_this();  // a callback may end the Notifier itself
  for (const std::uint64_t id : ids) {
    const auto found = watches.find(id);
    if (found == watches.end()) continue;
    const std::shared_ptr<Callback> callback = found->second.callback;
    (*callback)();
  }
}

void Notifier::Impl::tellOfCommit() {
  if (commit_watches.empty()) return;
  const auto told = commit_watches;  // they may come and go meanwhile
  for (const auto& [id, callback] : told)
    if (commit_watches.contains(id)) (*callback)();
}

void Notifier::Impl::remove(std::uint64_t id) {
  if (commit_watches.erase(id) > 0) return;
  const auto found = watches.find(id);
  if (found == watches.end()) return;
  const auto [begin, end] = by_session.equal_range(found->second.session_id);
  for (auto entry = begin; entry != end; ++entry) {
    if (entry->second != id) continue;
    by_session.erase(entry);
    break;
  }
  watches.erase(found);
}

Notifier::Notifier(net::io_context& io, Store& store, FolderWatch& folders)
    : impl_(std::make_shared<Impl>(io, store, folders)) {}

Notifier::~Notifier() {
  impl_->commit_hook.reset();
  impl_->mailbox->close();
  impl_->watches.clear();
  impl_->by_session.clear();
  impl_->commit_watches.clear();
  impl_->folder = {};
  impl_->poll_timer.cancel();
  impl_->wal_timer.cancel();
  impl_->retry_timer.cancel();
}

Status Notifier::start() {
  impl_->hearOwnCommits();
  return impl_->watchFolder();
}

Notifier::Watch Notifier::watch(const std::string& session_id, Callback callback) {
  const std::uint64_t id = impl_->next_watch++;
  impl_->watches.emplace(id,
                         Impl::Entry{session_id, std::make_shared<Callback>(std::move(callback))});
  impl_->by_session.emplace(session_id, id);
  impl_->poll();
  Watch watch;
  watch.state_ = std::make_shared<Watch::State>(impl_, id);
  return watch;
}

Notifier::Watch Notifier::watchCommits(Callback callback) {
  const std::uint64_t id = impl_->next_watch++;
  impl_->commit_watches.emplace(id, std::make_shared<Callback>(std::move(callback)));
  impl_->poll();
  Watch watch;
  watch.state_ = std::make_shared<Watch::State>(impl_, id);
  return watch;
}

}  // namespace tutti::store
