#include "server/routing/words.hpp"

#include <cstdint>

namespace tutti::routing {
namespace {

// Latin-1 Supplement from U+00C0, then Latin Extended-A: what each letter is without its accent.
// '.' stays as it is.
constexpr std::string_view kLatin1 =
    "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty";
constexpr std::string_view kLatinExtendedA =
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
    "nnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

struct Character {
  std::uint32_t code = 0;  ///< 0: ill-formed
  std::size_t size = 1;
};

Character characterAt(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + size > text.size()) return {};
  std::uint32_t code = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return {};
    code = code << 6 | (byte(at + i) & 0x3FU);
  }
  return {code, size};
}

/// A letter in lower case without accent, or '\0' when `code` has no such form.
char foldedLetter(std::uint32_t code) {
  if (code >= 'a' && code <= 'z') return static_cast<char>(code);
  if (code >= 'A' && code <= 'Z') return static_cast<char>(code - 'A' + 'a');
  char folded = '.';
  if (code >= 0xC0 && code < 0xC0 + kLatin1.size()) folded = kLatin1[code - 0xC0];
  if (code >= 0x100 && code < 0x100 + kLatinExtendedA.size())
    folded = kLatinExtendedA[code - 0x100];
  return folded == '.' ? '\0' : folded;
}

bool isApostrophe(std::uint32_t code) {
  return code == '\'' || code == 0x2019;
}

/// Is it a letter of a script that has no fold here? General punctuation and spaces are not.
bool isOtherLetter(std::uint32_t code) {
  if (code < 0x180) return false;
  return code < 0x2000 || code >= 0x2C00;
}

/// Greek and Cyrillic capitals, whose small letters stand at a fixed distance.
std::uint32_t lowered(std::uint32_t code) {
  if (code >= 0x391 && code <= 0x3A9) return code + 0x20;
  if (code >= 0x410 && code <= 0x42F) return code + 0x20;
  return code;
}

void appendUtf8(std::string& to, std::uint32_t code) {
  const auto tail = [&](unsigned shift) {
    to += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x800) {
    to += static_cast<char>(0xC0U | code >> 6);
  } else if (code < 0x10000) {
    to += static_cast<char>(0xE0U | code >> 12);
    tail(6);
  } else {
    to += static_cast<char>(0xF0U | code >> 18);
    tail(12);
    tail(6);
  }
  tail(0);
}

class Splitter {
 public:
  bool full() const { return words_.size() >= kWordsMax; }
  std::vector<std::string> take() {
    finish();
    return std::move(words_);
  }
  void add(std::uint32_t code) {
    if (isApostrophe(code)) return;
    if (code >= '0' && code <= '9') return addDigit();
    if (const char letter = foldedLetter(code); letter != '\0') return addLetter(code, letter);
    if (isOtherLetter(code)) return addLetter(code, '\0');
    finish();
    if (code == '$' || code == '%' || code == '?') words_.emplace_back(1, static_cast<char>(code));
  }

 private:
  void addDigit() {
    if (word_.empty() || word_.back() != '0') word_ += '0';
  }
  void addLetter(std::uint32_t code, char folded) {
    if (word_.size() + 4 > kWordBytesMax) return;
    if (folded != '\0')
      word_ += folded;
    else
      appendUtf8(word_, lowered(code));
  }
  void finish() {
    if (word_.empty() || full()) return;
    words_.push_back(std::move(word_));
    word_.clear();
  }

  std::vector<std::string> words_;
  std::string word_;
};

bool endsWith(const std::string& word, std::string_view ending) {
  return word.size() > ending.size() + 2 && word.ends_with(ending);
}

void undouble(std::string& word) {
  const std::size_t size = word.size();
  if (size <= 3 || word[size - 1] != word[size - 2]) return;
  const char last = word.back();
  if (last != 'l' && last != 's' && last != 'z') word.pop_back();
}

}  // namespace

std::vector<std::string> wordsOf(std::string_view text) {
  Splitter splitter;
  for (std::size_t at = 0; at < text.size() && !splitter.full();) {
    const Character character = characterAt(text, at);
    at += character.size;
    splitter.add(character.code);
  }
  return splitter.take();
}

std::string stemOf(std::string word) {
  if (endsWith(word, "ies")) {
    word.resize(word.size() - 3);
    word += 'y';
  } else if (endsWith(word, "sses")) {
    word.resize(word.size() - 2);
  } else if (endsWith(word, "s") && !word.ends_with("ss") && !word.ends_with("us") &&
             !word.ends_with("is")) {
    word.pop_back();
  }
  if (endsWith(word, "ing") && word.size() > 5) {
    word.resize(word.size() - 3);
    undouble(word);
  } else if (endsWith(word, "ed") && word.size() > 4) {
    word.resize(word.size() - 2);
    undouble(word);
  }
  if (endsWith(word, "ly") && word.size() > 5) word.resize(word.size() - 2);
  if (word.size() > 4 && word.back() == 'e') word.pop_back();
  if (word.size() > 3 && word.back() == 'y') word.back() = 'i';
  return word;
}

}  // namespace tutti::routing
