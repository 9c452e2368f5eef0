// What comes, in memory first and then in a staged file. For the rows see contents_rows.cpp.
#include "server/documents/contents.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/base/sha256.hpp"
#include "server/documents/crash_point.hpp"
#include "server/documents/direct_writer.hpp"

namespace tutti::documents {
namespace fs = std::filesystem;
namespace {
constexpr const char* kIncoming = "incoming";
constexpr const char* kLock = ".lock";
constexpr int kStageTriesMax = 16;
constexpr std::size_t kLeftoversMax = 256;  // each holds a file open
/// The disk is given so much at a time while more is still to come: the sync at the end is short.
constexpr std::int64_t kWriteBackBytes = 8 << 20;
/// From this size on content is written by a DirectWriter, if one is to be had.
constexpr std::int64_t kDirectMin = 4 << 20;
constexpr std::size_t kDirectPieceMin = 256U * 1024;  // what comes in less is in no hurry
/// Who reads so much at a time goes on, most likely: the disk is so many such pieces ahead of it.
constexpr std::size_t kReadAheadMin = 256U * 1024;
constexpr std::size_t kReadAheadPieces = 4;

Status writeAll(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ioError(errno, "write", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok();
}

Status syncFolder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return ioError(errno, "sync", folder);
  return ok();
}

/// A folder that is there for good: its name is synced too.
Status makeSynced(const fs::path& folder) {
  if (fs::is_directory(folder)) return ok();
  if (Status made = makeFolder(folder); !made.ok()) return made;
  return syncFolder(folder.parent_path());
}

Result<Fd> lockShared(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return ioError(errno, "open", path);
  while (::flock(fd.get(), LOCK_SH) != 0)
    if (errno != EINTR) return ioError(errno, "lock", path);
  return fd;
}
}  // namespace

Content smallContent(std::string bytes) {
  Content content;
  content.hash = sha256Hex(bytes);
  content.size_bytes = static_cast<std::int64_t>(bytes.size());
  content.bytes = std::move(bytes);
  return content;
}

// --- staging ---

struct Staged::Impl {
  Impl(const ContentFiles& owner, std::int64_t most) : files(owner), bytes_max(most) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (file) ::unlink(path.c_str());
  }

  Status openFile();
  Status write(std::string_view bytes);
  Status writeToFile(std::string_view bytes);
  Status writePlain(std::string_view bytes);
  Status beginDirect(std::string_view& bytes);
  Result<Content> publish(std::string hash);

  const ContentFiles files;
  const std::int64_t bytes_max;
  Sha256 hash;
  std::string memory;  ///< while it is small
  Fd file;             ///< locked as long as its writer lives
  fs::path path;
  std::int64_t size = 0;
  std::int64_t written = 0;              ///< to the file
  std::int64_t given_back = 0;           ///< of that, to the disk
  std::unique_ptr<DirectWriter> direct;  ///< of what comes after `written`
  bool direct_asked = false;
  std::optional<Error> failure;
};

Status Staged::Impl::openFile() {
  const fs::path folder = files.folder() / kIncoming;
  if (Status made = makeSynced(files.folder()); !made.ok()) return made;
  if (Status made = makeFolder(folder); !made.ok()) return made;
  // A sweep may take a file that is not locked yet for a leftover: then it is begun anew.
  for (int tries = 0; tries < kStageTriesMax; ++tries) {
    path = folder / randomHex(12);
    Fd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!made) return ioError(errno, "create", path);
    struct stat status {};
    const bool mine = ::flock(made.get(), LOCK_EX | LOCK_NB) == 0 &&
                      ::fstat(made.get(), &status) == 0 && status.st_nlink == 1;
    if (!mine) {
      ::unlink(path.c_str());
      continue;
    }
    file = std::move(made);
    break;
  }
  if (!file) return ioError(EAGAIN, "lock", path);
  crashPoint("staged");
  return ok();
}

Status Staged::Impl::write(std::string_view bytes) {
  size += static_cast<std::int64_t>(bytes.size());
  if (!file && memory.size() + bytes.size() < kFileBytesMin) {
    hash.add(bytes);
    memory.append(bytes);
    return ok();
  }
  if (!file) {
    if (Status opened = openFile(); !opened.ok()) return opened;
    if (Status taken = writePlain(memory); !taken.ok()) return taken;
    memory = std::string();
  }
  if (Status taken = writeToFile(bytes); !taken.ok()) return taken;
  hash.add(bytes);  // while the disk works
  return ok();
}

/// Writes up to where a DirectWriter can begin, and begins it.
Status Staged::Impl::beginDirect(std::string_view& bytes) {
  direct_asked = true;
  constexpr std::size_t kAlignment = DirectWriter::kAlignment;
  const std::size_t over = static_cast<std::size_t>(written) % kAlignment;
  const std::size_t head = over == 0 ? 0 : kAlignment - over;
  if (Status taken = writePlain(bytes.substr(0, head)); !taken.ok()) return taken;
  bytes.remove_prefix(head);
  direct = DirectWriter::begin(file.get(), path, written);
  return ok();
}

Status Staged::Impl::writeToFile(std::string_view bytes) {
  if (!direct_asked && size >= kDirectMin && bytes.size() >= kDirectPieceMin)
    if (Status begun = beginDirect(bytes); !begun.ok()) return begun;
  return direct ? direct->add(bytes) : writePlain(bytes);
}

Status Staged::Impl::writePlain(std::string_view bytes) {
  if (Status taken = writeAll(file.get(), bytes, path); !taken.ok()) return taken;
  written += static_cast<std::int64_t>(bytes.size());
  if (written - given_back < kWriteBackBytes) return ok();
  // Only begins; the sync at the end is what makes it durable and what tells of failures.
  (void)::sync_file_range(file.get(), given_back, written - given_back, SYNC_FILE_RANGE_WRITE);
  given_back = written;
  return ok();
}

Result<Content> Staged::Impl::publish(std::string digest) {
  if (direct)
    if (Status rest = direct->finish(); !rest.ok()) return std::move(rest).error();
  direct.reset();
  if (::fsync(file.get()) != 0) return ioError(errno, "sync", path);
  const fs::path target = files.pathOf(digest);
  if (Status made = makeSynced(target.parent_path()); !made.ok()) return std::move(made).error();
  Result<Fd> lock = lockShared(files.folder() / kLock);
  if (!lock.ok()) return std::move(lock).error();
  crashPoint("synced");
  if (::rename(path.c_str(), target.c_str()) != 0) return ioError(errno, "rename", path);
  file.reset();
  crashPoint("renamed");
  if (Status synced = syncFolder(target.parent_path()); !synced.ok())
    return std::move(synced).error();
  Content content;
  content.hash = std::move(digest);
  content.size_bytes = size;
  content.in_file = true;
  content.lock = std::make_shared<Fd>(std::move(*lock));
  return content;
}

Staged::Staged(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Staged::Staged(Staged&&) noexcept = default;
Staged& Staged::operator=(Staged&&) noexcept = default;
Staged::~Staged() = default;

std::int64_t Staged::size() const {
  return impl_->size;
}

Status Staged::append(std::string_view bytes) {
  if (impl_->failure) return *impl_->failure;
  Status written = ok();
  if (impl_->size + static_cast<std::int64_t>(bytes.size()) > impl_->bytes_max)
    written = Error(Code::ResourceExhausted,
                    "content has more than " + std::to_string(impl_->bytes_max) + " bytes",
                    "push it in parts, or raise --document-bytes")
                  .named("document_bytes_max");
  else
    written = impl_->write(bytes);
  if (!written.ok()) impl_->failure = written.error();
  return written;
}

Result<Content> Staged::finish() {
  if (impl_->failure) return *impl_->failure;
  std::string digest = impl_->hash.finish();
  if (impl_->file) return impl_->publish(std::move(digest));
  Content content;
  content.hash = std::move(digest);
  content.size_bytes = impl_->size;
  content.bytes = std::move(impl_->memory);
  return content;
}

// --- reading ---

ContentReader::ContentReader(std::string bytes)
    : bytes_(std::move(bytes)), size_(static_cast<std::int64_t>(bytes_.size())) {}

ContentReader::ContentReader(Fd file, std::int64_t size)
    : file_(std::make_shared<Fd>(std::move(file))), size_(size) {}

std::int64_t ContentReader::size() const {
  return size_;
}

Result<std::string> ContentReader::read(std::int64_t offset, std::size_t count_max) const {
  if (offset >= size_) return std::string();
  const auto count = static_cast<std::size_t>(
      std::min<std::int64_t>(size_ - offset, static_cast<std::int64_t>(count_max)));
  if (!file_) return bytes_.substr(static_cast<std::size_t>(offset), count);
  std::string bytes(count, '\0');
  // What a DirectWriter wrote is not in memory yet.
  if (count >= kReadAheadMin)
    (void)::posix_fadvise(file_->get(), offset + static_cast<std::int64_t>(count),
                          static_cast<off_t>(kReadAheadPieces * count), POSIX_FADV_WILLNEED);
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::pread(file_->get(), bytes.data() + filled, count - filled,
                                offset + static_cast<std::int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ioError(errno, "read", "a document's content");
    if (got == 0)
      return Error(Code::Internal,
                   "a document's content is shorter than the " + std::to_string(size_) +
                       " bytes it should have",
                   "tutti doctor says which")
          .named("content_damaged");
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<std::string> ContentReader::readAll(std::size_t bytes_max) const {
  if (size_ > static_cast<std::int64_t>(bytes_max))
    return Error(Code::ResourceExhausted,
                 "the content has " + std::to_string(size_) + " bytes, more than the " +
                     std::to_string(bytes_max) + " of one answer",
                 "read a part with offset and limit, or pull it to a file")
        .named("content_too_large")
        .withDetails("{\"size_bytes\":" + std::to_string(size_) +
                     ",\"bytes_max\":" + std::to_string(bytes_max) + "}");
  return read(0, static_cast<std::size_t>(size_));
}

// --- files ---

ContentFiles::ContentFiles(fs::path store_folder)
    : folder_(std::move(store_folder) / "documents") {}

Staged ContentFiles::stage(std::int64_t bytes_max) const {
  return Staged(std::make_unique<Staged::Impl>(*this, bytes_max));
}

fs::path ContentFiles::pathOf(std::string_view hash) const {
  return folder_ / hash.substr(0, 2) / hash;
}

Result<ContentReader> ContentFiles::open(const ContentPlace& place) const {
  if (!place.in_file) return ContentReader(place.bytes);
  const fs::path path = pathOf(place.hash);
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file) return ContentReader(std::move(file), place.size_bytes);
  if (errno != ENOENT) return ioError(errno, "open", path);
  return Error(Code::NotFound, "content " + place.hash + " is not there any more",
               "if the document still exists, tutti doctor says what is missing")
      .named("content_missing");
}

Result<std::optional<Fd>> ContentFiles::tryLockForRemoval() const {
  if (!fs::is_directory(folder_)) return std::optional<Fd>();
  Result<Fd> lock = tryLockFile(folder_ / kLock);
  if (!lock.ok()) return std::move(lock).error();
  if (!*lock) return std::optional<Fd>();
  return std::optional<Fd>(std::move(*lock));
}

Status ContentFiles::remove(std::string_view hash) const {
  const fs::path path = pathOf(hash);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return ok();
  return ioError(errno, "remove", path);
}

namespace {
bool isHash(std::string_view name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

/// A staged file whose writer is gone, and the lock that proves it.
struct Leftover {
  fs::path path;
  Fd lock;
};

std::vector<Leftover> leftoversIn(const fs::path& incoming) {
  std::vector<Leftover> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(incoming, none)) {
    Fd file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
      found.push_back({entry.path(), std::move(file)});
    if (found.size() == kLeftoversMax) break;
  }
  return found;
}
}  // namespace

Result<ContentFiles::StrayFiles> ContentFiles::list() const {
  StrayFiles found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_, failed)) {
    const std::string name = entry.path().filename().string();
    if (name == kLock || name == kIncoming) continue;
    std::error_code none;
    if (name.size() != 2 || !entry.is_directory(none)) {
      found.strangers.push_back(entry.path());
      continue;
    }
    for (const auto& file : fs::directory_iterator(entry.path(), none)) {
      const std::string hash = file.path().filename().string();
      if (isHash(hash) && hash.starts_with(name))
        found.hashes.push_back(hash);
      else
        found.strangers.push_back(file.path());
    }
  }
  for (const Leftover& leftover : leftoversIn(folder_ / kIncoming))
    found.leftovers.push_back(leftover.path);
  return found;
}

Result<std::int64_t> ContentFiles::sweepLeftovers() const {
  std::int64_t removed = 0;
  for (const Leftover& leftover : leftoversIn(folder_ / kIncoming))
    if (::unlink(leftover.path.c_str()) == 0) ++removed;
  return removed;
}

}  // namespace tutti::documents
