// Where the rules' words stand in a text, and which of them a negation takes back. Inner to this
// folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/tokens.hpp"
#include "server/routing/vocabulary.hpp"

namespace tutti::routing {

/// Words that a negation reaches, forwards and backwards; it never passes a comma or a full stop.
inline constexpr std::size_t kNegationReach = 6;
inline constexpr std::size_t kNegationReachBack = 4;
/// Matches of one pattern that count.
inline constexpr std::size_t kPatternMatchesMax = 16;

/// A term or a pattern found in the text.
struct Match {
  std::uint32_t entry = 0;
  std::string_view term;  ///< the term's or the pattern's text; lives as long as the vocabulary
  double weight = 0;
  std::uint32_t first = 0, last = 0;             ///< tokens
  std::array<std::uint32_t, kElementsMax> at{};  ///< the token of each element
  std::size_t elements = 0;
  std::string_view cue;  ///< what negates it, a piece of the text; empty: nothing
};

/// Those that count, by entry, then by place: what lies within a longer match or an exception of
/// the same entry is left out. Patterns without a word at them are left out.
std::vector<Match> matchesOf(std::string_view text, const std::vector<Token>& tokens,
                             const Vocabulary& vocabulary);

}  // namespace tutti::routing
