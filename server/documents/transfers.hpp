// Content that comes and goes in pieces, in bounded memory: one piece at a time is under way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/base/result.hpp"
#include "server/documents/text_range.hpp"
#include "server/documents/types.hpp"

namespace tutti::documents {

/// The largest piece of a download; a good size for those of an upload.
inline constexpr std::size_t kPieceBytesMax = 1U << 20;

/// Content on its way in. Runs on the I/O thread. Handed to DocumentService::push() or write() as
/// their content it becomes a document; let go of before, it leaves nothing.
class Upload {
 public:
  virtual ~Upload() = default;
  /// Takes the next piece; `ready` runs on the I/O thread when the following one may come (never
  /// before append() returns). Errors: ResourceExhausted "document_bytes_max", "disk_full",
  /// Internal "io_error", "one_at_a_time" when the last piece is still under way. After an error
  /// the upload is lost.
  virtual void append(std::string piece, std::function<void(Status)> ready) = 0;
  virtual std::int64_t size() const = 0;  ///< bytes taken so far
};

/// As in `Range: bytes=`: first-last, first-, or -suffix.
struct ByteRange {
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> last;    ///< inclusive
  std::optional<std::int64_t> suffix;  ///< the last so many bytes; instead of first and last
};

/// Content on its way out: the bytes [bytes_start, bytes_end) of `version`. Runs on the I/O thread.
/// Changes and removal of the document meanwhile do not touch it.
class Download {
 public:
  virtual ~Download() = default;
  virtual const Document& document() const = 0;
  virtual const Version& version() const = 0;
  virtual std::int64_t bytesStart() const = 0;
  virtual std::int64_t bytesEnd() const = 0;
  virtual std::int64_t bytesTotal() const = 0;
  /// When it was asked for by characters.
  virtual const std::optional<FoundRange>& characters() const = 0;
  /// The next piece, "" at the end. `done` runs on the I/O thread, never before next() returns. One
  /// at a time.
  virtual void next(std::function<void(Result<std::string>)> done) = 0;
};

}  // namespace tutti::documents
