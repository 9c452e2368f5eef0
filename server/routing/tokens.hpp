// A text as words with their places, for rules that look at spans. Inner to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::routing {

/// What stands between a word and the one before it, the strongest of several.
enum class Break : std::uint8_t { None, Comma, Clause, Sentence };

enum class Script : std::uint8_t {
  Latin,
  Greek,
  Cyrillic,
  Hebrew,
  Arabic,
  Devanagari,
  Thai,
  Kana,
  Hangul,
  Han,
  Other
};

/// One word: letters and digits in lower case, accents folded, apostrophes dropped. Hyphens and
/// underscores part words; "c++" and "c#" are words.
struct Token {
  std::string word;
  std::size_t begin = 0, end = 0;  ///< in bytes
  std::size_t offset = 0;          ///< in characters
  std::size_t length = 0;          ///< in characters
  Break before = Break::None;
  Script script = Script::Latin;
};

struct Tokens {
  std::vector<Token> tokens;
  std::size_t bytes = 0;       ///< of the text, up to `characters_max`
  std::size_t characters = 0;  ///< of the whole text
};

/// The words among the first `characters_max` characters of `text`, whose bytes may be any.
Tokens tokensOf(std::string_view text, std::size_t characters_max);

/// ISO 639-1 of the language that a script alone tells, or "".
std::string_view languageOf(Script script);

}  // namespace tutti::routing
