#include "server/documents/direct_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "server/base/file.hpp"

namespace tutti::documents {
namespace {
std::atomic<int> writers{0};
}  // namespace

void DirectWriter::Free::operator()(char* bytes) const {
  std::free(bytes);
}

std::unique_ptr<DirectWriter> DirectWriter::begin(int fd, std::filesystem::path path,
                                                  std::int64_t offset) {
  // Counts itself from here on.
  std::unique_ptr<DirectWriter> made(new DirectWriter(fd, std::move(path), offset));
  if (writers.load() > kWritersMax) return nullptr;
  for (Buffer& buffer : made->buffers_) {
    buffer.bytes.reset(static_cast<char*>(std::aligned_alloc(kAlignment, kBufferBytes)));
    if (!buffer.bytes) return nullptr;
  }
  made->setDirect(true);
  return made;
}

DirectWriter::DirectWriter(int fd, std::filesystem::path path, std::int64_t offset)
    : fd_(fd), path_(std::move(path)) {
  buffers_[0].offset = offset;
  ++writers;
}

DirectWriter::~DirectWriter() {
  thread_.stop();
  --writers;
}

void DirectWriter::setDirect(bool direct) {
  const int flags = ::fcntl(fd_, F_GETFL);
  const int wanted = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
  if (flags >= 0 && ::fcntl(fd_, F_SETFL, wanted) == 0) direct_ = direct;
}

Status DirectWriter::failure() {
  const std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  return ok();
}

Status DirectWriter::add(std::string_view bytes) {
  while (!bytes.empty()) {
    Buffer& buffer = buffers_[current_];
    const std::size_t some = std::min(bytes.size(), kBufferBytes - buffer.filled);
    std::memcpy(buffer.bytes.get() + buffer.filled, bytes.data(), some);
    buffer.filled += some;
    bytes.remove_prefix(some);
    if (buffer.filled == kBufferBytes) give(kBufferBytes);
  }
  return failure();
}

/// Has `size` bytes of the current buffer written and goes on with the other: with the bytes that
/// are left, once that is free.
void DirectWriter::give(std::size_t size) {
  Buffer& full = buffers_[current_];
  Buffer& next = buffers_[1 - current_];
  free_.acquire();
  next.filled = full.filled - size;
  next.offset = full.offset + static_cast<std::int64_t>(size);
  std::memcpy(next.bytes.get(), full.bytes.get() + size, next.filled);
  full.filled = size;
  current_ = 1 - current_;
  const auto job = [this, &full] {
    write(full);
    free_.release();
  };
  if (!thread_.submit(job).ok()) job();
}

Status DirectWriter::finish() {
  give(buffers_[current_].filled / kAlignment * kAlignment);
  free_.acquire();  // what was given is written
  if (direct_) setDirect(false);
  if (Status written = failure(); !written.ok()) return written;
  const Buffer& rest = buffers_[current_];
  return writeAll({rest.bytes.get(), rest.filled}, rest.offset);
}

void DirectWriter::write(const Buffer& buffer) {
  if (!failure().ok()) return;
  if (Status written = writeAll({buffer.bytes.get(), buffer.filled}, buffer.offset);
      !written.ok()) {
    const std::lock_guard lock(mutex_);
    failure_ = written.error();
    return;
  }
  // Only begins; the sync at the end is what makes it durable and what tells of failures.
  if (!direct_)
    (void)::sync_file_range(fd_, buffer.offset, static_cast<off_t>(buffer.filled),
                            SYNC_FILE_RANGE_WRITE);
}

Status DirectWriter::writeAll(std::string_view bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    const bool refused = written < 0 && errno == EINVAL && direct_;
    if (written < 0 && errno != EINTR && !refused) return ioError(errno, "write", path_);
    // A file system that takes no such writes after all, or what is left is not aligned any more.
    if (refused || (written > 0 && written % static_cast<ssize_t>(kAlignment) != 0 && direct_))
      setDirect(false);
    if (refused && direct_) return ioError(EINVAL, "write", path_);
    if (written <= 0) continue;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
  return ok();
}

}  // namespace tutti::documents
