// What happens to files in folders, told as it happens.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "server/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::store {

/// Watches folders (inotify). The kernel allows a user few instances, 128 by default and for all
/// programs together, so a process has one FolderWatch for all that it watches. When not even that
/// one is to be had, its users poll. Runs on the I/O thread only; `io` outlives it.
class FolderWatch {
 public:
  /// Opens an instance: its descriptor, or -1 and errno.
  using Opener = std::function<int()>;
  /// Gets the names of the files that changed, in order; valid during the call. None: events were
  /// lost, and anything may have changed.
  using Callback = std::function<void(std::span<const std::string_view> names)>;
  enum class Changes {
    Written,  ///< a file was made or its content changed
    Closed,   ///< a file was closed after writing, or removed
  };

  /// Keeps one watch alive; destruction ends it, also from within its callback.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&&) noexcept;
    Watch& operator=(Watch&&) noexcept;
    ~Watch();

   private:
    friend class FolderWatch;
    struct State;
    std::shared_ptr<State> state_;
  };

  explicit FolderWatch(boost::asio::io_context& io);
  FolderWatch(boost::asio::io_context& io, Opener opener);
  ~FolderWatch();

  /// `callback` runs on the I/O thread. One watch a folder. Errors: ResourceExhausted
  /// "watch_limit" when the kernel's limit is reached (the hint names it; the first time it is
  /// logged as a warning), Internal otherwise.
  Result<Watch> watch(const std::filesystem::path& folder, Changes changes, Callback callback);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// The error of watch() that means: poll instead.
bool isWatchLimit(const Error& error);

}  // namespace tutti::store
