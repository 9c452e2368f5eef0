// The Range header (RFC 9110, 14.2): which bytes of a content are wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::rest {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  ///< at least 1
  bool operator==(const ByteRange&) const = default;
};

/// More ranges than these in one request are an attack or a mistake: the whole is sent.
inline constexpr std::size_t kRangesMax = 16;

struct RangeChoice {
  enum class Kind { Whole, Parts, Unsatisfiable };
  Kind kind = Kind::Whole;
  std::vector<ByteRange> ranges;  ///< of Parts, in the order asked for, each inside the content
};

/// What to send of `size` bytes. A header that is ill-formed or of another unit counts as absent.
RangeChoice chooseRanges(std::string_view header, std::uint64_t size);

/// "bytes 0-99/1000"
std::string contentRange(const ByteRange& range, std::uint64_t size);

}  // namespace tutti::rest
