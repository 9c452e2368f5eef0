// A multipart/form-data body (RFC 7578), read as it arrives: what a part holds is handed on piece
// by piece and never kept, so that a file of any size passes through bounded memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::rest {

/// What stands before a part's content.
struct PartHead {
  std::string name;
  std::optional<std::string> filename;  ///< present, even if empty, for a file
  std::string content_type;             ///< empty: not given
};

/// Who takes the parts. An error ends the reading and is append()'s result.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual Status partBegins(PartHead head) = 0;
  /// `data` lives as long as the call.
  virtual Status partData(std::string_view data) = 0;
  virtual Status partEnds() = 0;
};

struct MultipartLimits {
  std::size_t part_head_bytes_max = 16U * 1024;
  std::size_t parts_max = 64;
  std::size_t preamble_bytes_max = 4096;  ///< before the first boundary
};

/// The boundary of a Content-Type header. Errors: InvalidArgument for another type, without a
/// boundary, or with one that RFC 2046 does not allow.
Result<std::string> multipartBoundary(std::string_view content_type);

/// Keeps at most a part's head or the beginning of a boundary.
class MultipartReader {
 public:
  /// `sink` outlives the reader.
  MultipartReader(std::string_view boundary, PartSink& sink, MultipartLimits limits = {});

  /// Errors: InvalidArgument for what is not multipart, ResourceExhausted naming a limit, and the
  /// sink's. After an error nothing may be appended.
  Status append(std::string_view bytes);
  /// The body has ended. InvalidArgument when its last boundary has not been seen.
  Status finish() const;

 private:
  enum class State { Preamble, AfterBoundary, Head, Start, Data, Epilogue };

  /// Takes what it can from the front of `bytes`; false when it needs more first.
  Result<bool> step(std::string_view& bytes);
  Result<bool> skipPreamble(std::string_view& bytes);
  Result<bool> afterBoundary(std::string_view& bytes);
  Result<bool> readHead(std::string_view& bytes);
  /// Leaves the end of the head's empty line, unless it is the next boundary's.
  bool startData(std::string_view& bytes);
  Result<bool> passData(std::string_view& bytes);

  const std::string delimiter_;  ///< CR LF -- boundary
  PartSink& sink_;
  const MultipartLimits limits_;
  State state_ = State::Preamble;
  std::string kept_;  ///< not understood yet; first the CR LF that a body may begin without
  std::size_t parts_ = 0;
  std::size_t preamble_bytes_ = 0;
};

}  // namespace tutti::rest
