#include "server/documents/text_range.hpp"

#include <algorithm>
#include <limits>

namespace tutti::documents {
namespace {
/// Does the byte begin a character?
bool begins(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();
}  // namespace

std::int64_t countCharacters(std::string_view text) {
  std::int64_t count = 0;
  for (const char byte : text) count += begins(byte) ? 1 : 0;
  return count;
}

std::size_t byteOfCharacter(std::string_view text, std::int64_t index) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    if (begins(text[at]) && count++ == index) return at;
  return text.size();
}

RangeFinder::RangeFinder(CharacterRange asked)
    : start_(std::max<std::int64_t>(asked.offset, 0)), end_(kNoEnd) {
  if (!asked.limit) return;
  const std::int64_t limit = std::max<std::int64_t>(*asked.limit, 0);
  end_ = limit > kNoEnd - start_ ? kNoEnd : start_ + limit;
}

void RangeFinder::add(std::string_view piece) {
  const std::int64_t here = countCharacters(piece);
  const auto find = [&](std::int64_t wanted, std::int64_t& bytes) {
    if (bytes < 0 && wanted >= characters_ && wanted < characters_ + here)
      bytes = bytes_ + static_cast<std::int64_t>(byteOfCharacter(piece, wanted - characters_));
  };
  find(start_, bytes_start_);
  find(end_, bytes_end_);
  characters_ += here;
  bytes_ += static_cast<std::int64_t>(piece.size());
}

FoundRange RangeFinder::found() const {
  FoundRange range;
  range.characters_total = characters_;
  range.characters_start = std::min(start_, characters_);
  range.characters_end = std::min(end_, characters_);
  range.bytes_start = bytes_start_ < 0 ? bytes_ : bytes_start_;
  range.bytes_end = bytes_end_ < 0 ? bytes_ : bytes_end_;
  return range;
}

FoundRange findRange(std::string_view text, CharacterRange asked) {
  RangeFinder finder(asked);
  finder.add(text);
  return finder.found();
}

}  // namespace tutti::documents
