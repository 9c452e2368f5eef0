#include "server/documents/inside.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/base/text.hpp"

namespace tutti::documents {
namespace fs = std::filesystem;
namespace {
Error refused(const char* name, std::string message, std::string hint = {}) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named(name);
}

std::string quoted(const fs::path& path) {
  return "'" + toValidUtf8(shortened(path.string(), 200)) + "'";
}

Error outside(const fs::path& path, const std::vector<fs::path>& roots) {
  std::vector<std::string> names;
  for (const fs::path& root : roots) names.push_back(quoted(root));
  return refused("path_outside_roots", "path " + quoted(path) + " is outside the allowed folders",
                 names.empty() ? "no folder is allowed: give the content itself"
                               : "use a path inside " + joined(names));
}

Error notFound(const fs::path& path) {
  return Error(Code::NotFound, "file " + quoted(path) + " not found").named("file_not_found");
}

Status checkPath(const fs::path& path) {
  const std::string& text = path.native();
  const bool clean = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!clean || text.size() >= 4096)
    return refused("invalid_path", "the path has control characters or is too long");
  if (!path.is_absolute())
    return refused("path_not_absolute", "path " + quoted(path) + " is not absolute",
                   "give the whole path, beginning with /");
  const std::string name = path.lexically_normal().filename().string();
  if (name.empty() || name == "." || name == "..")
    return refused("invalid_path", "path " + quoted(path) + " names no file");
  return ok();
}

/// `path` from `root`, or nothing when it is not below it.
std::optional<fs::path> below(const fs::path& root, const fs::path& path) {
  const fs::path relative = path.lexically_relative(root);
  if (relative.empty() || relative == "." || *relative.begin() == "..") return std::nullopt;
  return relative;
}

/// Without openat2: name by name, and no link is followed.
int openStepwise(int root, const fs::path& relative, int flags) {
  Fd folder(::fcntl(root, F_DUPFD_CLOEXEC, 0));
  for (auto part = relative.begin(); folder; ++part) {
    if (*part == "..") return errno = EXDEV, -1;
    const bool last = std::next(part) == relative.end();
    const int wanted = last ? flags : O_PATH | O_DIRECTORY;
    const int next = ::openat(folder.get(), part->c_str(), wanted | O_NOFOLLOW | O_CLOEXEC);
    if (last || next < 0) return next;
    folder.reset(next);
  }
  return -1;
}

/// As openat(), and never beyond `root`: EXDEV or ELOOP when a link or ".." leads out.
int openBeneath(int root, const fs::path& relative, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return openStepwise(root, relative, flags);
}

Error openError(int number, const fs::path& path, const std::vector<fs::path>& roots) {
  if (number == EXDEV || number == ELOOP) return outside(path, roots);
  if (number == ENOENT || number == ENOTDIR) return notFound(path);
  if (number == EACCES)
    return refused("file_not_readable", "file " + quoted(path) + " may not be opened",
                   "check its permissions");
  return ioError(number, "open", path);
}

/// The root that holds `path`, open, and the way from there.
struct Start {
  Fd root;
  fs::path relative;
};

/// A root may itself be reached through links, by either of its names.
Result<Start> startOf(const std::vector<fs::path>& roots, const fs::path& path) {
  if (Status checked = checkPath(path); !checked.ok()) return std::move(checked).error();
  const fs::path normal = path.lexically_normal();
  for (const fs::path& root : roots) {
    std::error_code failed;
    const fs::path canonical = fs::canonical(root, failed);
    if (failed) continue;
    auto relative = below(root.lexically_normal() / "", normal);
    if (!relative) relative = below(canonical, normal);
    if (!relative) continue;
    Fd folder(::open(canonical.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return ioError(errno, "open", root);
    return Start{std::move(folder), std::move(*relative)};
  }
  return outside(path, roots);
}
}  // namespace

Result<InsidePath> resolveInside(const std::vector<fs::path>& roots, const fs::path& path) {
  Result<Start> start = startOf(roots, path);
  if (!start.ok()) return std::move(start).error();
  const fs::path parent = start->relative.parent_path();
  const int folder = parent.empty() ? start->root.release()
                                    : openBeneath(start->root.get(), parent, O_PATH | O_DIRECTORY);
  if (folder < 0) return openError(errno, path, roots);
  return InsidePath{Fd(folder), start->relative.filename().string(), path};
}

Result<InsideFile> openInside(const std::vector<fs::path>& roots, const fs::path& path) {
  Result<Start> start = startOf(roots, path);
  if (!start.ok()) return std::move(start).error();
  // Not to wait for the other end of a pipe.
  Fd file(openBeneath(start->root.get(), start->relative, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    if (errno == ENXIO) return refused("not_a_file", quoted(path) + " is not a regular file");
    return openError(errno, path, roots);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return ioError(errno, "look at", path);
  if (!S_ISREG(status.st_mode))
    return refused("not_a_file", quoted(path) + " is not a regular file");
  return InsideFile{std::move(file), status.st_size, path};
}

// --- writing ---

InsideWriter::InsideWriter(InsidePath place, Fd file, std::string temporary)
    : place_(std::move(place)), file_(std::move(file)), temporary_(std::move(temporary)) {}

InsideWriter::InsideWriter(InsideWriter&& other) noexcept
    : place_(std::move(other.place_)),
      file_(std::move(other.file_)),
      temporary_(std::exchange(other.temporary_, {})) {}

InsideWriter::~InsideWriter() {
  if (!temporary_.empty()) ::unlinkat(place_.folder.get(), temporary_.c_str(), 0);
}

Result<InsideWriter> InsideWriter::open(const std::vector<fs::path>& roots, const fs::path& path) {
  Result<InsidePath> place = resolveInside(roots, path);
  if (!place.ok()) return std::move(place).error();
  std::string temporary = ".tutti-" + randomHex(8);
  Fd file(::openat(place->folder.get(), temporary.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file) return openError(errno, path, roots);
  return InsideWriter(std::move(*place), std::move(file), std::move(temporary));
}

Status InsideWriter::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ioError(errno, "write", place_.path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

Status InsideWriter::finish(Overwrite overwrite) {
  if (::fsync(file_.get()) != 0) return ioError(errno, "sync", place_.path);
  const int folder = place_.folder.get();
  struct stat status {};
  if (::fstatat(folder, place_.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(status.st_mode))
    return refused("not_a_file", quoted(place_.path) + " is there and is not a regular file");
  const unsigned flags = overwrite == Overwrite::No ? RENAME_NOREPLACE : 0U;
  int renamed = ::renameat2(folder, temporary_.c_str(), folder, place_.name.c_str(), flags);
  // Some file systems (NFS, 9p) cannot rename without replacing, but can link.
  if (renamed != 0 && flags != 0 && (errno == EINVAL || errno == ENOSYS)) {
    renamed = ::linkat(folder, temporary_.c_str(), folder, place_.name.c_str(), 0);
    if (renamed == 0) renamed = ::unlinkat(folder, temporary_.c_str(), 0);
  }
  if (renamed != 0) {
    if (errno != EEXIST) return ioError(errno, "rename", place_.path);
    return Error(Code::Conflict, "file " + quoted(place_.path) + " exists",
                 "pull with overwrite, or to another name")
        .named("file_exists");
  }
  temporary_.clear();
  return ok();
}

}  // namespace tutti::documents
