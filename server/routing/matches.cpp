#include "server/routing/matches.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace tutti::routing {
namespace {

struct WordIds {
  std::uint32_t stem = 0, exact = 0;
  bool isOneOf(const std::vector<std::uint32_t>& ids) const {
    return std::any_of(ids.begin(), ids.end(),
                       [&](std::uint32_t id) { return id == stem || id == exact; });
  }
};

std::vector<WordIds> idsOf(const std::vector<Token>& tokens, const Vocabulary& vocabulary) {
  std::vector<WordIds> ids;
  ids.reserve(tokens.size());
  for (const Token& token : tokens)
    ids.push_back({vocabulary.stemId(ruleStem(token.word)), vocabulary.exactId(token.word)});
  return ids;
}

/// Finds terms by their first word, then each next word as near as it stands.
class TermFinder {
 public:
  TermFinder(const std::vector<Token>& tokens, const Vocabulary& vocabulary)
      : tokens_(tokens), vocabulary_(vocabulary), ids_(idsOf(tokens, vocabulary)) {}

  std::vector<Match> find() const {
    std::vector<Match> matches;
    for (std::uint32_t at = 0; at < tokens_.size(); ++at) {
      const WordIds& ids = ids_[at];
      if (ids.stem != 0) tryTerms(vocabulary_.beginningWith(ids.stem), at, matches);
      if (ids.exact != 0) tryTerms(vocabulary_.beginningWith(ids.exact), at, matches);
    }
    return matches;
  }

 private:
  void tryTerms(const std::vector<std::uint32_t>& terms, std::uint32_t at,
                std::vector<Match>& matches) const {
    for (const std::uint32_t index : terms)
      if (std::optional<Match> match = tryTerm(vocabulary_.terms[index], at))
        matches.push_back(*match);
  }
  std::optional<Match> tryTerm(const Term& term, std::uint32_t at) const {
    Match match{term.entry, term.text, term.weight, at, at, {}, term.elements.size(), {}};
    match.at[0] = at;
    for (std::size_t i = 1; i < term.elements.size(); ++i) {
      const std::optional<std::uint32_t> next = nextOf(term.elements[i], match.last);
      if (!next) return std::nullopt;
      match.at[i] = match.last = *next;
    }
    return match;
  }
  std::optional<std::uint32_t> nextOf(const TermElement& element, std::uint32_t last) const {
    const std::size_t reach = element.gap_before ? kGapMax + 1 : 1;
    const Break parting = element.gap_before ? Break::Clause : Break::Comma;
    for (std::size_t next = last + 1; next <= last + reach && next < tokens_.size(); ++next) {
      if (tokens_[next].before >= parting) break;
      if (ids_[next].isOneOf(element.ids)) return static_cast<std::uint32_t>(next);
    }
    return std::nullopt;
  }

  const std::vector<Token>& tokens_;
  const Vocabulary& vocabulary_;
  const std::vector<WordIds> ids_;
};

void addPatternMatches(std::string_view text, const std::vector<Token>& tokens,
                       const Vocabulary& vocabulary, std::vector<Match>& matches) {
  const re2::StringPiece input(text.data(), text.size());
  for (const Pattern& pattern : vocabulary.patterns) {
    std::size_t from = 0;
    for (std::size_t count = 0; count < kPatternMatchesMax && from < text.size(); ++count) {
      re2::StringPiece found;
      if (!pattern.expression->Match(input, from, input.size(), RE2::UNANCHORED, &found, 1)) break;
      const auto begin = static_cast<std::size_t>(found.data() - text.data());
      const std::size_t end = begin + found.size();
      from = std::max(end, from + 1);
      const auto first = std::partition_point(
          tokens.begin(), tokens.end(), [&](const Token& token) { return token.end <= begin; });
      if (first == tokens.end() || first->begin >= end) continue;
      const auto last = std::partition_point(first, tokens.end(),
                                             [&](const Token& token) { return token.begin < end; });
      const auto index = static_cast<std::uint32_t>(first - tokens.begin());
      const auto last_index = static_cast<std::uint32_t>(last - tokens.begin() - 1);
      matches.push_back({pattern.entry,
                         pattern.text,
                         pattern.weight,
                         index,
                         last_index,
                         {index, last_index},
                         2,
                         {}});
    }
  }
}

/// Drops what lies within another match of the same entry, then the exceptions themselves.
void dropContained(std::vector<Match>& matches) {
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    // At the same place the longest first, and an exception before a term.
    return std::tuple(a.entry, a.first, b.last, a.weight != 0, b.weight, a.term) <
           std::tuple(b.entry, b.first, a.last, b.weight != 0, a.weight, b.term);
  });
  std::vector<Match> kept;
  kept.reserve(matches.size());
  std::uint32_t covered = 0;
  for (const Match& match : matches) {
    const bool same_entry = !kept.empty() && kept.back().entry == match.entry;
    if (same_entry && match.last <= covered) continue;
    covered = match.last;
    kept.push_back(match);
  }
  std::erase_if(kept, [](const Match& match) { return match.weight == 0; });
  matches = std::move(kept);
}

/// Which tokens a negation reaches.
class Negations {
 public:
  Negations(std::string_view text, const std::vector<Token>& tokens, const Vocabulary& vocabulary)
      : text_(text), tokens_(tokens), vocabulary_(vocabulary), marks_(tokens.size()) {}

  /// Takes the cues out of `matches` and sets the others' `cue`.
  void apply(std::vector<Match>& matches) {
    std::vector<Match> cues;
    for (const Match& match : matches) {
      const VocabularyEntry& entry = vocabulary_.entries[match.entry];
      if (entry.section == Section::Negation)
        cues.push_back(match);
      else
        markPlain(match, entry.section);
    }
    if (cues.empty()) return;
    std::erase_if(matches, [&](const Match& match) {
      return vocabulary_.entries[match.entry].section == Section::Negation;
    });
    for (const Match& cue : cues) markCue(cue);
    for (const Match& cue : cues)
      if (nameOf(cue) == "after" && !isTaken(cue)) reachBack(cue);
    for (const Match& cue : cues)
      if (nameOf(cue) == "before" && !isTaken(cue)) reachForward(cue);
    for (Match& match : matches) match.cue = cueOf(match);
  }

 private:
  struct Mark {
    bool taken = false;  ///< part of a term, or of a phrase that only looks like a negation
    bool ends = false, joins = false, verb = false;
    std::string_view cue;
  };

  std::string_view nameOf(const Match& cue) const { return vocabulary_.entries[cue.entry].name; }

  void markPlain(const Match& match, Section section) {
    if (section == Section::NaturalLanguages) return;
    for (std::size_t i = 0; i < match.elements; ++i) marks_[match.at[i]].taken = true;
    if (section == Section::Intents) marks_[match.first].verb = true;
  }
  void markCue(const Match& cue) {
    const std::string_view name = nameOf(cue);
    for (std::size_t i = 0; i < cue.elements; ++i) {
      Mark& mark = marks_[cue.at[i]];
      mark.ends = mark.ends || name == "ends";
      mark.joins = mark.joins || name == "joins";
      mark.taken = mark.taken || name == "never";
    }
  }
  /// Of a cue of several words only the first tells: "do not touch" holds a verb.
  bool isTaken(const Match& cue) const { return marks_[cue.first].taken; }
  std::string_view textOf(const Match& cue) const {
    const std::size_t begin = tokens_[cue.first].begin;
    return text_.substr(begin, tokens_[cue.last].end - begin);
  }
  void reachForward(const Match& cue) {
    const std::string_view what = textOf(cue);
    for (std::size_t at = cue.last + 1; at <= cue.last + kNegationReach && at < marks_.size();
         ++at) {
      if (tokens_[at].before >= Break::Comma || marks_[at].ends) return;
      if (marks_[at].joins && at + 1 < marks_.size() && marks_[at + 1].verb) return;
      if (marks_[at].cue.empty()) marks_[at].cue = what;
    }
  }
  void reachBack(const Match& cue) {
    const std::string_view what = textOf(cue);
    for (std::size_t i = 0, at = cue.first; i < kNegationReachBack && at > 0; ++i, --at) {
      if (tokens_[at].before >= Break::Comma || marks_[at - 1].ends) break;
      if (marks_[at - 1].cue.empty()) marks_[at - 1].cue = what;
    }
    // "is not needed" negates what stands before it, not what comes after.
    for (std::size_t i = 0; i < cue.elements; ++i) marks_[cue.at[i]].taken = true;
  }
  std::string_view cueOf(const Match& match) const {
    for (std::size_t i = 0; i < match.elements; ++i)
      if (!marks_[match.at[i]].cue.empty()) return marks_[match.at[i]].cue;
    return {};
  }

  const std::string_view text_;
  const std::vector<Token>& tokens_;
  const Vocabulary& vocabulary_;
  std::vector<Mark> marks_;
};
}  // namespace

std::vector<Match> matchesOf(std::string_view text, const std::vector<Token>& tokens,
                             const Vocabulary& vocabulary) {
  std::vector<Match> matches = TermFinder(tokens, vocabulary).find();
  addPatternMatches(text, tokens, vocabulary, matches);
  dropContained(matches);
  Negations(text, tokens, vocabulary).apply(matches);
  return matches;
}

}  // namespace tutti::routing
