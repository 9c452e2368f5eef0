// Inner to server/documents: large content on its way to the disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string_view>

#include "server/base/result.hpp"
#include "server/documents/worker.hpp"

namespace tutti::documents {

/// Writes the rest of a file on a thread of its own, past the page cache (O_DIRECT) where the file
/// system can: the disk works while more bytes come, nothing is copied for it by the kernel, and
/// the sync at the end finds all but the last bytes on the disk. Holds two buffers of kBufferBytes.
///
/// One thread at a time, never the I/O thread. Nobody else uses `fd` from begin() to finish().
class DirectWriter {
 public:
  static constexpr std::size_t kBufferBytes = 2U << 20;
  /// Offsets in the file, and memory, that every disk takes.
  static constexpr std::size_t kAlignment = 4096;
  static constexpr int kWritersMax = 2;  ///< at a time, in this process

  /// From `offset`, which is a multiple of kAlignment. `path` is for errors. Nothing when there are
  /// kWritersMax already, or no memory.
  static std::unique_ptr<DirectWriter> begin(int fd, std::filesystem::path path,
                                             std::int64_t offset);
  /// Waits for what is under way. Bytes since the last full buffer are lost without finish().
  ~DirectWriter();
  DirectWriter(const DirectWriter&) = delete;
  DirectWriter& operator=(const DirectWriter&) = delete;

  /// Copies the bytes; waits while both buffers are full. Errors, also those of earlier bytes: as
  /// ioError().
  Status add(std::string_view bytes);
  /// All bytes are written, though not synced, and `fd` is as it was. Call it once.
  Status finish();

 private:
  struct Free {
    void operator()(char* bytes) const;
  };
  struct Buffer {
    std::unique_ptr<char, Free> bytes;
    std::size_t filled = 0;
    std::int64_t offset = 0;
  };

  DirectWriter(int fd, std::filesystem::path path, std::int64_t offset);
  void give(std::size_t size);
  void write(const Buffer& buffer);
  Status writeAll(std::string_view bytes, std::int64_t offset);
  void setDirect(bool direct);
  Status failure();

  const int fd_;
  const std::filesystem::path path_;
  std::array<Buffer, 2> buffers_;
  std::size_t current_ = 0;
  std::counting_semaphore<2> free_{1};  ///< buffers besides the current one
  bool direct_ = false;                 ///< of fd_; between jobs, or in one
  std::mutex mutex_;
  std::optional<Error> failure_;  // guarded by mutex_
  Worker thread_{2};              // last: its jobs use all of the above
};

}  // namespace tutti::documents
