// A folder of blueprints on disk, followed by looking at times.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/agents/blueprint_files.hpp"

namespace tutti::agents {

/// Routing: the *.yaml files of routing/, which are rules, no blueprints.
enum class FolderLayout { Aof, ClaudeCode, Routing };

/// What tells one state of a file or folder from another.
struct FileStamp {
  bool exists = false;
  dev_t device = 0;
  ino_t inode = 0;
  mode_t mode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

/// Follows the files below one folder that have a part in blueprints, and no others. Neither a file
/// nor a link is followed out of the folder. A folder that does not exist is an empty one.
///
/// look() compares one stamp for each folder and file seen before, and reads again only what
/// differs. A stamp so fresh that a later write could leave it the same is not trusted: such a file
/// is read at the next look too.
class WatchedFolder {
 public:
  struct Limits {
    std::size_t folders_max = 5000;  ///< agents, capabilities, scripts, servers: of each
    std::size_t file_bytes_max = 1U << 20;
  };
  WatchedFolder(std::filesystem::path root, FolderLayout layout, Limits limits);

  /// Returns whether anything differs from the last look; true the first time.
  bool look();

  SourceTree tree() const { return {files_, root_}; }
  /// What could not be listed or was refused; files that could not be read are in the tree.
  const std::vector<BlueprintProblem>& problems() const { return problems_; }

 private:
  class Scan;
  struct Watched {
    std::string path;  ///< below the root, "" for the root
    FileStamp stamp;
  };
  bool unchanged() const;

  const std::filesystem::path root_;
  const FolderLayout layout_;
  const Limits limits_;
  SourceFiles files_;
  std::vector<BlueprintProblem> problems_;
  std::vector<Watched> watched_;
  bool looked_ = false;
  bool fresh_ = false;  ///< a stamp is too young to be trusted
};

}  // namespace tutti::agents
