#include "server/routing/tokens.hpp"

#include <algorithm>
#include <utility>

#include "server/routing/characters.hpp"
#include "server/routing/words.hpp"

namespace tutti::routing {
namespace {

constexpr std::uint32_t kFullStop = 0x3002;  ///< of Chinese and Japanese

struct ScriptRange {
  std::uint32_t from, to;
  Script script;
};
constexpr ScriptRange kScripts[] = {
    {0x370, 0x3FF, Script::Greek},      {0x400, 0x52F, Script::Cyrillic},
    {0x590, 0x5FF, Script::Hebrew},     {0x600, 0x77F, Script::Arabic},
    {0x900, 0x97F, Script::Devanagari}, {0xE00, 0xE7F, Script::Thai},
    {0x1100, 0x11FF, Script::Hangul},   {0x1F00, 0x1FFF, Script::Greek},
    {0x3040, 0x30FF, Script::Kana},     {0x3400, 0x9FFF, Script::Han},
    {0xAC00, 0xD7AF, Script::Hangul},   {0x20000, 0x3FFFF, Script::Han},
};

Script scriptOf(std::uint32_t code) {
  if (code < 0x370) return Script::Latin;
  for (const ScriptRange& range : kScripts)
    if (code >= range.from && code <= range.to) return range.script;
  return Script::Other;
}

/// The break that a character makes; of '.' only where no letter or digit follows it.
Break breakOf(std::uint32_t code, bool word_follows) {
  switch (code) {
    case ',':
    case '(':
    case ')':
    case '[':
    case ']':
    case '"':
    case '`':
      return Break::Comma;
    case ';':
    case '\n':
    case 0x2013:  // dashes
    case 0x2014:
      return Break::Clause;
    case ':':
      return word_follows ? Break::None : Break::Clause;
    case '.':
    case '!':
    case '?':
      return word_follows ? Break::None : Break::Sentence;
    case kFullStop:
      return Break::Sentence;
    default:
      return Break::None;
  }
}

class Tokenizer {
 public:
  Tokenizer(std::string_view text, Tokens& result) : text_(text), result_(result) {}

  void add(const Character& character, std::size_t at, std::size_t offset) {
    const std::uint32_t code = character.code;
    if (isApostrophe(code) && !token_.word.empty() && wordFollows(at + character.size)) return;
    if (code >= '0' && code <= '9')
      return grow(at, character.size, offset, static_cast<char>(code));
    if (const char letter = foldedLetter(code); letter != '\0')
      return grow(at, character.size, offset, letter);
    if (isOtherLetter(code) && code != kFullStop && !isPicture(code))
      return growOther(character, at, offset);
    if (isLanguageSign(code)) return grow(at, 1, offset, static_cast<char>(code));
    finish();
    break_ = std::max(break_, breakOf(code, wordFollows(at + character.size)));
  }

  void finish() {
    if (token_.word.empty()) return;
    result_.tokens.push_back(std::exchange(token_, Token()));
  }

 private:
  bool wordFollows(std::size_t at) const {
    if (at >= text_.size()) return false;
    const auto byte = static_cast<unsigned char>(text_[at]);
    const auto low = static_cast<unsigned char>(byte | 0x20U);
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (low >= 'a' && low <= 'z');
  }
  /// The '+' of "c++" and the '#' of "c#" and "f#".
  bool isLanguageSign(std::uint32_t code) const {
    if (code != '+' && code != '#') return false;
    const std::string& word = token_.word;
    return (word == "c" || word == "f" || word == "c+") && (code == '+' || word.size() == 1);
  }
  void open(std::size_t at, std::size_t offset) {
    if (!token_.word.empty()) return;
    token_.begin = at;
    token_.offset = offset;
    token_.before = std::exchange(break_, Break::None);
  }
  void close(std::size_t end, std::size_t offset) {
    token_.end = end;
    token_.length = offset + 1 - token_.offset;
  }
  void grow(std::size_t at, std::size_t size, std::size_t offset, char letter) {
    open(at, offset);
    if (token_.word.size() < kWordBytesMax) token_.word += letter;
    close(at + size, offset);
  }
  void growOther(const Character& character, std::size_t at, std::size_t offset) {
    open(at, offset);
    token_.script = scriptOf(character.code);
    if (token_.word.size() + 4 <= kWordBytesMax) appendUtf8(token_.word, lowered(character.code));
    close(at + character.size, offset);
  }

  const std::string_view text_;
  Tokens& result_;
  Token token_;
  Break break_ = Break::None;
};
}  // namespace

Tokens tokensOf(std::string_view text, std::size_t characters_max) {
  Tokens result;
  result.tokens.reserve(std::min<std::size_t>(text.size() / 5 + 1, 512));
  Tokenizer tokenizer(text, result);
  std::size_t at = 0;
  while (at < text.size() && result.characters < characters_max) {
    const Character character = characterAt(text, at);
    tokenizer.add(character, at, result.characters++);
    at += character.size;
  }
  tokenizer.finish();
  result.bytes = at;
  for (; at < text.size(); ++result.characters) at += characterAt(text, at).size;
  return result;
}

std::string_view languageOf(Script script) {
  switch (script) {
    case Script::Greek:
      return "el";
    case Script::Cyrillic:
      return "ru";
    case Script::Hebrew:
      return "he";
    case Script::Arabic:
      return "ar";
    case Script::Devanagari:
      return "hi";
    case Script::Thai:
      return "th";
    case Script::Kana:
      return "ja";
    case Script::Hangul:
      return "ko";
    case Script::Han:
      return "zh";
    case Script::Latin:
    case Script::Other:
      break;
  }
  return "";
}

}  // namespace tutti::routing
