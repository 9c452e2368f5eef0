#include "server/routing/words.hpp"

#include <cstdint>

#include "server/routing/characters.hpp"

namespace tutti::routing {
namespace {

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
