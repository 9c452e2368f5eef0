#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>  // the report holds JSON's types
#include <thread>
#include <utility>

#include "server/base/fd.hpp"
#include "server/cli/survey_language.hpp"
#include "server/cli/survey_scan.hpp"
#include "server/cli/survey_text.hpp"

namespace tutti::cli {
namespace {
constexpr unsigned kThreadsMax = 4;
constexpr std::size_t kFirstRead = 64 * 1024;
constexpr std::string_view kLeftOut[] = {
    ".git",    ".hg",    ".svn",        "node_modules",  "bower_components",
    "build",   "target", "dist",        "vendor",        "__pycache__",
    ".venv",   "venv",   ".tox",        ".cache",        ".next",
    ".gradle", ".idea",  ".mypy_cache", ".pytest_cache", "coverage"};

Fd openRoot(const std::string& dir) {
  return Fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/// Lists one folder after another from a list of work, so depth takes no stack.
class Walker {
 public:
  explicit Walker(const SurveyOptions& options) : options_(options), root_(openRoot(options.dir)) {
    struct stat info {};
    if (::fstat(root_.get(), &info) == 0) device_ = info.st_dev;
  }

  Walk run() {
    folders_.emplace_back();
    while (!folders_.empty() && !walk_.cut) {
      const std::string folder = std::move(folders_.back());
      folders_.pop_back();
      list(folder);
    }
    std::sort(walk_.files.begin(), walk_.files.end());
    return std::move(walk_);
  }

 private:
  void list(const std::string& folder) {
    Fd fd(::openat(root_.get(), folder.empty() ? "." : folder.c_str(),
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return;
    if (info.st_dev != device_) {
      walk_.other_devices = true;
      return;
    }
    DIR* listing = ::fdopendir(fd.get());
    if (listing == nullptr) return;
    fd.release();
    while (const dirent* entry = ::readdir(listing)) {
      add(folder, entry->d_name, kindOf(listing, *entry));
      if (walk_.cut) break;
    }
    ::closedir(listing);
  }

  static unsigned char kindOf(DIR* listing, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type;
    struct stat info {};
    if (::fstatat(::dirfd(listing), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
      return DT_UNKNOWN;
    return static_cast<unsigned char>(IFTODT(info.st_mode));
  }

  void add(const std::string& folder, const std::string& name, unsigned char kind) {
    if (name == "." || name == "..") return;
    const std::string path = folder.empty() ? name : folder + "/" + name;
    if (kind == DT_REG) {
      walk_.cut = walk_.files.size() >= options_.files_max;
      if (!walk_.cut) walk_.files.push_back(path);
      return;
    }
    if (kind != DT_DIR) return;
    if (std::find(std::begin(kLeftOut), std::end(kLeftOut), name) != std::end(kLeftOut))
      walk_.skipped.insert(name);
    else
      folders_.push_back(path);
  }

  const SurveyOptions& options_;
  const Fd root_;
  dev_t device_ = 0;
  std::vector<std::string> folders_;
  Walk walk_;
};

/// Reads files into one buffer that is used again. Each thread has its own.
class FileReader {
 public:
  FileReader(const SurveyOptions& options, int root) : options_(options), root_(root) {}

  FileFacts read(const std::string& path) {
    FileFacts facts;
    // Without O_NONBLOCK a pipe would wait here for its writer.
    const Fd fd(::openat(root_, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) {
      const bool is_link = errno == ELOOP;
      facts.state = is_link ? FileFacts::State::Skipped : FileFacts::State::Unreadable;
      return facts;
    }
    if (!S_ISREG(info.st_mode)) return facts;
    facts.bytes = info.st_size;
    facts.cut = static_cast<std::uint64_t>(info.st_size) > options_.file_bytes_max;
    // A look at the beginning spares reading the rest of a large binary file.
    const auto size = std::min(static_cast<std::size_t>(info.st_size), options_.file_bytes_max);
    buffer_.clear();
    bool read = fill(fd.get(), std::min(size, kFirstRead));
    if (read && !isBinary(buffer_)) read = fill(fd.get(), size);
    if (read)
      count(path, facts);
    else
      facts.state = FileFacts::State::Unreadable;
    return facts;
  }

 private:
  /// Reads on until the buffer has `size` bytes or the file ends.
  bool fill(int fd, std::size_t size) {
    std::size_t have = buffer_.size();
    buffer_.resize(size);
    while (have < size) {
      const ssize_t got = ::read(fd, buffer_.data() + have, size - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    buffer_.resize(have);
    return true;
  }

  void count(const std::string& path, FileFacts& facts) {
    const bool binary = isBinary(buffer_);
    facts.cut = facts.cut && !binary;
    facts.state = binary ? FileFacts::State::Binary : FileFacts::State::Text;
    if (binary) return;
    const Language& language = languageOf(path, buffer_);
    facts.language = language.name;
    facts.counts = countLines(buffer_, language.comments);
    findTodos(buffer_, language.comments, options_.top, facts);
  }

  const SurveyOptions& options_;
  const int root_;
  std::string buffer_;
};
}  // namespace

Walk walkFolder(const SurveyOptions& options) {
  return Walker(options).run();
}

std::vector<FileFacts> readFiles(const SurveyOptions& options,
                                 const std::vector<std::string>& files,
                                 const ReadProgress& progress) {
  std::vector<FileFacts> facts(files.size());
  const Fd root = openRoot(options.dir);
  std::atomic<std::size_t> next = 0;
  // Each file has its own place in `facts`, so the threads share nothing but the counter.
  const auto work = [&](const ReadProgress* told) {
    FileReader reader(options, root.get());
    for (std::size_t i = next++; i < files.size(); i = next++) {
      facts[i] = reader.read(files[i]);
      if (told != nullptr) (*told)(i, files.size());
    }
  };
  std::vector<std::jthread> helpers;
  const unsigned threads = std::min(std::thread::hardware_concurrency(), kThreadsMax);
  for (unsigned i = 1; i < threads; ++i) helpers.emplace_back(work, nullptr);
  work(&progress);
  return facts;
}

}  // namespace tutti::cli
