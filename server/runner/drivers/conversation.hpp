// What a session's conversation was like when it was last continued: for telling an honest resume
// from a lossy one, over the lives of several hosts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tutti::runner {

struct Conversation {
  std::string executor_session_id;  ///< "" when nothing is known
  std::string model;
  std::string cwd;
  bool compacted = false;  ///< shortened by the agent at some time

  /// Unreadable or missing: an empty one.
  static Conversation load(const std::filesystem::path& file);
  /// Best effort: without it a later resume merely has less to compare.
  void save(const std::filesystem::path& file) const;
};

/// What got lost between `before` and `now`, as sentences; empty when nothing did.
std::vector<std::string> lossesBetween(const Conversation& before, const Conversation& now);

}  // namespace tutti::runner
