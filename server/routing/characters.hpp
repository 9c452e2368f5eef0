// Characters as words are made of them: decoded, folded, told apart. Inner to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tutti::routing {

// Latin-1 Supplement from U+00C0, then Latin Extended-A: what each letter is without its accent.
// '.' stays as it is.
inline constexpr std::string_view kLatin1 =
    "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty";
inline constexpr std::string_view kLatinExtendedA =
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
    "nnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

struct Character {
  std::uint32_t code = 0;  ///< 0: ill-formed
  std::size_t size = 1;
};

inline Character characterAt(std::string_view text, std::size_t at) {
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
inline char foldedLetter(std::uint32_t code) {
  if (code >= 'a' && code <= 'z') return static_cast<char>(code);
  if (code >= 'A' && code <= 'Z') return static_cast<char>(code - 'A' + 'a');
  char folded = '.';
  if (code >= 0xC0 && code < 0xC0 + kLatin1.size()) folded = kLatin1[code - 0xC0];
  if (code >= 0x100 && code < 0x100 + kLatinExtendedA.size())
    folded = kLatinExtendedA[code - 0x100];
  return folded == '.' ? '\0' : folded;
}

inline bool isApostrophe(std::uint32_t code) {
  return code == '\'' || code == 0x2019;
}

/// Is it a letter of a script that has no fold here? General punctuation and spaces are not.
inline bool isOtherLetter(std::uint32_t code) {
  if (code < 0x180) return false;
  return code < 0x2000 || code >= 0x2C00;
}

/// Is it a picture, or what changes one (variation, skin colour, flag)? No word is made of these.
inline bool isPicture(std::uint32_t code) {
  return (code >= 0x1F000 && code < 0x1FC00) || (code >= 0xFE00 && code <= 0xFE0F) ||
         (code >= 0xE0000 && code < 0xE0080);
}

/// Greek and Cyrillic capitals, whose small letters stand at a fixed distance.
inline std::uint32_t lowered(std::uint32_t code) {
  if (code >= 0x391 && code <= 0x3A9) return code + 0x20;
  if (code >= 0x410 && code <= 0x42F) return code + 0x20;
  return code;
}

inline void appendUtf8(std::string& to, std::uint32_t code) {
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

}  // namespace tutti::routing
