// Ranges of a text by characters, over content that comes in pieces and need not fit in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tutti::documents {

/// As asked: AOF's offset and limit. Below 0 is 0; past the end is the end.
struct CharacterRange {
  std::int64_t offset = 0;
  std::optional<std::int64_t> limit;  ///< to the end when absent
};

/// As found. `characters_start` to `characters_end` (exclusive) of `characters_total`.
struct FoundRange {
  std::int64_t characters_start = 0;
  std::int64_t characters_end = 0;
  std::int64_t characters_total = 0;
  std::int64_t bytes_start = 0;
  std::int64_t bytes_end = 0;
};

/// Characters in well-formed UTF-8; of other bytes, those that do not continue one (10xxxxxx).
std::int64_t countCharacters(std::string_view text);

/// Byte position of character `index` in `text`; text.size() when there are fewer.
std::size_t byteOfCharacter(std::string_view text, std::int64_t index);

/// Finds a range while the content passes by once.
class RangeFinder {
 public:
  explicit RangeFinder(CharacterRange asked);
  /// The next piece; may begin and end within a character.
  void add(std::string_view piece);
  /// After the last piece.
  FoundRange found() const;

 private:
  std::int64_t start_;  ///< wanted, in characters
  std::int64_t end_;
  std::int64_t characters_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t bytes_start_ = -1;
  std::int64_t bytes_end_ = -1;
};

/// The range of a text that is whole in memory.
FoundRange findRange(std::string_view text, CharacterRange asked);

}  // namespace tutti::documents
