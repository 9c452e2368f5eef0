// A text as words: lower case, accents folded, apostrophes dropped, numbers as one word, and the
// stem that puts "booking", "booked" and "books" together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tutti::routing {

/// Words beyond this many are not looked at: a request says what it wants early.
inline constexpr std::size_t kWordsMax = 256;
/// Bytes of a word beyond this are cut.
inline constexpr std::size_t kWordBytesMax = 32;

/// The words of `text`, in order, at most kWordsMax. Latin letters lose their accents; letters of
/// other scripts stay; a run of digits becomes "0"; '$', '%' and '?' are words. Ill-formed UTF-8
/// is passed over.
std::vector<std::string> wordsOf(std::string_view text);

/// A light English stem. Not a word of the language, but the same for a word's forms.
std::string stemOf(std::string word);

}  // namespace tutti::routing
