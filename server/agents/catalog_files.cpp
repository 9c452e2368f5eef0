#include <nlohmann/json.hpp>  // a Blueprint holds JSON by value

#include "server/agents/catalog_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <unordered_map>
#include <utility>

#include "server/agents/blueprint_members.hpp"
#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t kDepthMax = 8;
constexpr std::size_t kFirstLineMax = 256;
constexpr std::size_t kScriptFilesMax = 100;
constexpr std::int64_t kSecondNs = 1'000'000'000;
/// The kernel stamps files with a clock that ticks every 1 to 10 ms.
constexpr std::int64_t kTickNs = 20'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * kSecondNs + time.tv_nsec;
}

std::int64_t nowNs() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

FileStamp stampAt(int root, const std::string& path) {
  struct stat info {};
  const int flags = path.empty() ? AT_EMPTY_PATH : 0;
  if (root < 0 || ::fstatat(root, path.c_str(), &info, flags) != 0) return {};
  return {true,
          info.st_dev,
          info.st_ino,
          info.st_mode,
          info.st_size,
          nanoseconds(info.st_mtim),
          nanoseconds(info.st_ctim)};
}

/// Could a write after `now` leave this stamp as it is? File systems without fractions tick by
/// seconds.
bool isFresh(const FileStamp& stamp, std::int64_t now) {
  const bool coarse = stamp.changed_ns % kSecondNs == 0;
  return stamp.exists && stamp.changed_ns + (coarse ? 2 * kSecondNs : kTickNs) > now;
}

Fd openFolder(const fs::path& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
}

struct Entry {
  std::string name;
  bool is_link = false;
};

bool isReadme(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name == "readme.md";
}

/// Which files of an agent's, a capability's … folder count.
struct Group {
  std::string_view name;
  std::vector<std::string_view> files;
};
const std::vector<Group>& groups() {
  static const std::vector<Group> all = {
      {"agents", {"agent.json", "agent.system-prompt.md", "agent.mcp.json", ".disabled"}},
      {"capabilities", {"capability.json", "capability.text.md", "capability.mcp.json"}},
      {"scripts", {"script.json"}},
      {"mcp-servers", {"mcp-server.json"}}};
  return all;
}
}  // namespace

/// One reading of the whole folder. What the last one read and is unchanged is taken from it.
class WatchedFolder::Scan {
 public:
  Scan(const WatchedFolder& before, int root) : before_(before), root_(root), now_(nowNs()) {
    std::error_code ignored;
    real_root_ = fs::canonical(before.root_, ignored);
    if (before.fresh_) return;
    for (const Watched& old : before.watched_) trusted_.emplace(old.path, &old.stamp);
  }

  void run() {
    watch("");
    if (root_ < 0) return;
    if (before_.layout_ == FolderLayout::ClaudeCode) return walkMarkdown("", 0);
    if (before_.layout_ == FolderLayout::Routing) return walkRules("routing");
    for (const Group& group : groups()) walkGroup(group);
  }

  SourceFiles files;
  std::vector<BlueprintProblem> problems;
  std::vector<Watched> watched;
  bool fresh = false;

 private:
  fs::path full(const std::string& path) const { return before_.root_ / path; }

  void report(const std::string& path, std::string message) {
    problems.push_back({full(path).string(), std::move(message)});
  }

  FileStamp watch(const std::string& path) {
    FileStamp stamp = stampAt(root_, path);
    fresh = fresh || isFresh(stamp, now_);
    watched.push_back({path, stamp});
    return stamp;
  }

  /// The entries of a folder, sorted, links out of the root left out. `path` is watched.
  std::vector<Entry> list(const std::string& path) {
    if (!path.empty()) watch(path);
    Fd fd(::openat(root_, path.empty() ? "." : path.c_str(),
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
    std::vector<Entry> entries;
    DIR* folder = fd ? ::fdopendir(fd.get()) : nullptr;
    if (folder == nullptr) {
      if (errno != ENOENT && errno != ENOTDIR) report(path, errnoText(errno));
      return entries;
    }
    fd.release();
    while (const dirent* entry = ::readdir(folder)) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      const bool maybe_link = entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
      entries.push_back({name, maybe_link});
    }
    ::closedir(folder);
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.name < b.name; });
    std::erase_if(entries, [&](const Entry& entry) {
      return entry.is_link && !staysInside(joinedPath(path, entry.name));
    });
    return entries;
  }

  static std::string joinedPath(const std::string& folder, const std::string& name) {
    return folder.empty() ? name : folder + "/" + name;
  }

  bool staysInside(const std::string& path) {
    std::error_code failed;
    const fs::path target = fs::canonical(full(path), failed);
    if (failed) {
      report(path, "this link leads nowhere");
      return false;
    }
    const auto [end, rest] =
        std::mismatch(real_root_.begin(), real_root_.end(), target.begin(), target.end());
    if (end == real_root_.end()) return true;
    report(path, "this link leads out of " + before_.root_.string() +
                     " (copy the file, or give its folder with --blueprints)");
    return false;
  }

  void walkGroup(const Group& group) {
    const std::string folder(group.name);
    std::vector<Entry> entries = list(folder);
    std::erase_if(entries, [](const Entry& entry) {
      return entry.name.starts_with('.') || isReadme(entry.name);
    });
    if (entries.size() > before_.limits_.folders_max) {
      report(folder, "more than " + std::to_string(before_.limits_.folders_max) +
                         " entries; the rest is left out (blueprints_max)");
      entries.resize(before_.limits_.folders_max);
    }
    for (const Entry& entry : entries) walkMember(group, entry.name);
  }

  void walkMember(const Group& group, const std::string& name) {
    const std::string folder = std::string(group.name) + "/" + name;
    if (!S_ISDIR(stampAt(root_, folder).mode)) return;
    if (Status named = checkBlueprintName("folder name", name); !named.ok())
      return report(folder, named.error().text());
    std::size_t script_files = 0;
    for (const Entry& entry : list(folder)) {
      const bool wanted =
          std::find(group.files.begin(), group.files.end(), entry.name) != group.files.end();
      if (wanted) addFile(joinedPath(folder, entry.name), before_.limits_.file_bytes_max);
      if (!wanted && group.name == "scripts" && ++script_files <= kScriptFilesMax)
        addProgram(joinedPath(folder, entry.name));
    }
    const std::string first = folder + "/" + std::string(group.files[0]);
    if (!files.contains(first)) report(folder, "the folder has no " + std::string(group.files[0]));
  }

  void walkMarkdown(const std::string& folder, std::size_t depth) {
    for (const Entry& entry : list(folder)) {
      if (entry.name.starts_with('.') || isReadme(entry.name)) continue;
      const std::string path = joinedPath(folder, entry.name);
      const bool is_folder = S_ISDIR(stampAt(root_, path).mode);
      if (!is_folder && entry.name.ends_with(".md")) addCounted(path);
      // A link to a folder could lead round in circles.
      if (is_folder && !entry.is_link && depth < kDepthMax) walkMarkdown(path, depth + 1);
    }
  }

  void walkRules(const std::string& folder) {
    for (const Entry& entry : list(folder)) {
      const bool is_rules = entry.name.ends_with(".yaml") || entry.name.ends_with(".yml");
      if (is_rules && !entry.name.starts_with('.')) addCounted(joinedPath(folder, entry.name));
    }
  }

  void addCounted(const std::string& path) {
    if (files.size() < before_.limits_.folders_max)
      return addFile(path, before_.limits_.file_bytes_max);
    if (!std::exchange(full_, true))
      report(path, "more than " + std::to_string(before_.limits_.folders_max) +
                       " files; the rest is left out (blueprints_max)");
  }

  void addFile(const std::string& path, std::size_t bytes_max) {
    const FileStamp stamp = watch(path);
    if (!stamp.exists) return;
    if (reuse(path, stamp)) return;
    SourceFile file;
    file.executable = (stamp.mode & S_IXUSR) != 0;
    if (!S_ISREG(stamp.mode)) {
      file.problem = "this is no regular file";
    } else if (Result<std::string> content = readFile(full(path), bytes_max); content.ok()) {
      file.content = std::move(*content);
    } else {
      file.problem = content.error().message();
    }
    files.emplace(path, std::move(file));
  }

  /// Of a program only how it begins matters here.
  void addProgram(const std::string& path) {
    const FileStamp stamp = watch(path);
    if (!S_ISREG(stamp.mode) || reuse(path, stamp)) return;
    SourceFile file;
    file.executable = (stamp.mode & S_IXUSR) != 0;
    const Fd fd(::openat(root_, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    char line[kFirstLineMax];
    const ssize_t size = fd ? ::read(fd.get(), line, sizeof line) : -1;
    if (size < 0) file.problem = errnoText(errno);
    if (size > 0) file.content = std::string(line, static_cast<std::size_t>(size));
    file.content.resize(std::min(file.content.size(), file.content.find('\n')));
    files.emplace(path, std::move(file));
  }

  bool reuse(const std::string& path, const FileStamp& stamp) {
    const auto known = before_.files_.find(path);
    const auto old = trusted_.find(path);
    if (known == before_.files_.end() || old == trusted_.end() || *old->second != stamp)
      return false;
    files.emplace(path, known->second);
    return true;
  }

  const WatchedFolder& before_;
  const int root_;
  const std::int64_t now_;
  fs::path real_root_;
  std::unordered_map<std::string_view, const FileStamp*> trusted_;  ///< of the look before
  bool full_ = false;
};

WatchedFolder::WatchedFolder(fs::path root, FolderLayout layout, Limits limits)
    : root_(std::move(root)), layout_(layout), limits_(limits) {}

bool WatchedFolder::unchanged() const {
  const Fd root = openFolder(root_);
  return std::all_of(watched_.begin(), watched_.end(), [&](const Watched& watched) {
    return stampAt(root.get(), watched.path) == watched.stamp;
  });
}

bool WatchedFolder::look() {
  if (looked_ && !fresh_ && unchanged()) return false;
  const Fd root = openFolder(root_);
  Scan scan(*this, root.get());
  scan.run();
  const auto sameProblem = [](const BlueprintProblem& a, const BlueprintProblem& b) {
    return a.source == b.source && a.message == b.message;
  };
  const bool same = looked_ && scan.files == files_ &&
                    std::equal(scan.problems.begin(), scan.problems.end(), problems_.begin(),
                               problems_.end(), sameProblem);
  files_ = std::move(scan.files);
  problems_ = std::move(scan.problems);
  watched_ = std::move(scan.watched);
  fresh_ = scan.fresh;
  looked_ = true;
  return !same;
}

}  // namespace tutti::agents
