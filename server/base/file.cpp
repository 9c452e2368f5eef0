#include "server/base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "server/base/ids.hpp"

namespace tutti {
namespace fs = std::filesystem;
namespace {
Status writeAll(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ioError(errno, "write", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

enum class Sync { Yes, No };

/// A temporary file beside `path`, renamed over it.
Status replace(const fs::path& path, std::string_view content, Sync sync) {
  fs::path temporary = path;
  temporary += ".tmp-" + randomHex(4);
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return ioError(errno, "create", temporary);
  Status written = writeAll(fd.get(), content, temporary);
  if (written.ok() && sync == Sync::Yes && ::fsync(fd.get()) != 0)
    written = ioError(errno, "sync", temporary);
  fd.reset();
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = ioError(errno, "rename", path);
  if (!written.ok()) ::unlink(temporary.c_str());
  return written;
}

Status syncFolder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return ioError(errno, "sync", folder);
  return ok();
}
}  // namespace

std::string errnoText(int number) { return std::generic_category().message(number); }

Error ioError(int number, std::string_view doing, const fs::path& path) {
  std::string message = "cannot ";
  message.append(doing).append(" '").append(path.string()).append("': ").append(errnoText(number));
  if (number == ENOSPC || number == EDQUOT || number == EFBIG)
    return Error(Code::ResourceExhausted, std::move(message), "free disk space and try again")
        .named("disk_full");
  return Error(Code::Internal, std::move(message)).named("io_error");
}

Result<std::string> readFile(const fs::path& path, std::size_t size_max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return Error(Code::NotFound, "file '" + path.string() + "' not found");
  if (!fd) return ioError(errno, "open", path);
  std::string content;
  char block[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ioError(errno, "read", path);
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > size_max)
      return Error(Code::ResourceExhausted, "file '" + path.string() + "' is larger than " +
                                                std::to_string(size_max) + " bytes");
    content.append(block, static_cast<std::size_t>(got));
  }
}

Status writeFileDurably(const fs::path& path, std::string_view content) {
  if (Status replaced = replace(path, content, Sync::Yes); !replaced.ok()) return replaced;
  return syncFolder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

Status replaceFile(const fs::path& path, std::string_view content) {
  return replace(path, content, Sync::No);
}

Status makeFolder(const fs::path& path) {
  if (path.empty() || fs::is_directory(path)) return ok();
  if (path.has_parent_path() && path.parent_path() != path) {
    if (Status parent = makeFolder(path.parent_path()); !parent.ok()) return parent;
  }
  if (::mkdir(path.c_str(), 0700) == 0 || (errno == EEXIST && fs::is_directory(path))) return ok();
  return ioError(errno, "create folder", path);
}

Result<Fd> tryLockFile(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return ioError(errno, "open", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return Fd();
  return ioError(errno, "lock", path);
}

}  // namespace tutti
