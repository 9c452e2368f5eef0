// Inner to server/store: how a commit is heard in other processes.
#pragma once

#include <filesystem>

#include "server/base/fd.hpp"

namespace tutti::store {

inline constexpr const char* kWakeFile = "tutti.db-wake";

/// A file that is written after each commit, for inotify. The WAL itself will not do: SQLite writes
/// and syncs it *before* other processes can see the commit (that is a store to mapped memory,
/// which no inotify reports), so who reads at the WAL's event can be too early and hears nothing
/// more.
class WakeFile {
 public:
  explicit WakeFile(const std::filesystem::path& folder) : path_(folder / kWakeFile) {}
  /// Best effort: on a full disk the Notifier falls back to the WAL's events.
  void touch();

 private:
  const std::filesystem::path path_;
  Fd fd_;
};

}  // namespace tutti::store
