#include "server/routing/vocabulary.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "server/base/text.hpp"
#include "server/routing/tokens.hpp"
#include "server/routing/words.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kTermCharactersMax = 200;
constexpr std::int64_t kPatternBytesMax = 1 << 20;

Error badTerm(std::string_view term, const std::string& why) {
  return Error(Code::InvalidArgument, "the term '" + shortened(term, 60) + "' " + why,
               "write words, 'a|b' for either, '*' for up to three words between, '=word' for this "
               "spelling only");
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(at);
    if (end != 0) parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  std::erase_if(parts, [](std::string_view part) { return part.empty(); });
  return parts;
}
}  // namespace

std::string ruleStem(const std::string& word) {
  const bool has_digit =
      std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  return word.size() < 3 || has_digit ? word : stemOf(word);
}

std::uint32_t Vocabulary::entry(Section section, std::string_view name) {
  for (std::uint32_t i = 0; i < entries.size(); ++i)
    if (entries[i].section == section && entries[i].name == name) return i;
  entries.push_back({section, std::string(name)});
  return static_cast<std::uint32_t>(entries.size() - 1);
}

std::uint32_t Vocabulary::intern(Ids& ids, std::string word) {
  const auto [at, added] = ids.emplace(std::move(word), static_cast<std::uint32_t>(first_.size()));
  if (added) first_.emplace_back();
  return at->second;
}

/// One piece between spaces: a word, several joined by hyphens, or alternatives.
Status Vocabulary::addPiece(Term& term, std::string_view piece, bool gap_before) {
  const std::vector<std::string_view> alternatives = split(piece, '|');
  TermElement element{{}, gap_before};
  for (std::string_view alternative : alternatives) {
    const bool exact = alternative.starts_with('=');
    if (exact) alternative.remove_prefix(1);
    const std::vector<Token> words = tokensOf(alternative, kTermCharactersMax).tokens;
    if (words.empty()) return badTerm(term.text, "has a piece without a word");
    if (words.size() > 1 && alternatives.size() > 1)
      return badTerm(term.text, "has an alternative of several words");
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i].word;
      element.ids.push_back(exact ? intern(exact_, word) : intern(stems_, ruleStem(word)));
      if (i + 1 == words.size()) break;
      term.elements.push_back(std::exchange(element, TermElement()));
    }
  }
  term.elements.push_back(std::move(element));
  return ok();
}

Status Vocabulary::addTerm(std::uint32_t entry, std::string_view text, double weight) {
  Term term{std::string(text), entry, weight, {}};
  bool gap = false;
  for (const std::string_view piece : split(text, ' ')) {
    if (piece == "*") {
      gap = true;
      continue;
    }
    if (Status added = addPiece(term, piece, gap); !added.ok()) return added;
    gap = false;
  }
  if (term.elements.empty()) return badTerm(text, "has no word");
  if (term.elements.front().gap_before || gap) return badTerm(text, "begins or ends with '*'");
  if (term.elements.size() > kElementsMax)
    return badTerm(text, "has more than " + std::to_string(kElementsMax) + " words");
  const auto index = static_cast<std::uint32_t>(terms.size());
  for (const std::uint32_t id : term.elements.front().ids) {
    std::vector<std::uint32_t>& list = first_[id];
    if (list.empty() || list.back() != index) list.push_back(index);
  }
  terms.push_back(std::move(term));
  return ok();
}

Status Vocabulary::addPattern(std::uint32_t entry, const std::string& text, double weight) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(false);
  options.set_max_mem(kPatternBytesMax);
  auto expression = std::make_shared<RE2>(text, options);
  if (!expression->ok())
    return Error(Code::InvalidArgument,
                 "the pattern '" + shortened(text, 60) +
                     "' is no regular expression of RE2: " + expression->error());
  if (expression->Match("", 0, 0, RE2::UNANCHORED, nullptr, 0))
    return Error(Code::InvalidArgument,
                 "the pattern '" + shortened(text, 60) + "' matches the empty text");
  patterns.push_back({text, entry, weight, std::move(expression)});
  return ok();
}

void Vocabulary::clear(std::uint32_t entry) {
  std::erase_if(patterns, [&](const Pattern& pattern) { return pattern.entry == entry; });
  for (std::vector<std::uint32_t>& list : first_)
    std::erase_if(list, [&](std::uint32_t index) { return terms[index].entry == entry; });
}

}  // namespace tutti::routing
