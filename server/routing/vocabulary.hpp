// The words of the rules, compiled for looking up: terms by their first word, patterns, names of
// hosts. Inner to this folder.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/base/result.hpp"

namespace re2 {
class RE2;
}

namespace tutti::routing {

/// The parts of a rule file that hold words.
enum class Section : std::uint8_t {
  Signals,
  Domains,
  Intents,
  Complexity,
  Urgency,
  Languages,         ///< of programming
  NaturalLanguages,  ///< of the request
  Negation           ///< before, after, ends, joins, never
};

/// One word of a term. Ids are of Vocabulary::idOf(): a stem's, or a word's as it is spelt.
struct TermElement {
  std::vector<std::uint32_t> ids;
  bool gap_before = false;  ///< up to kGapMax words may stand before it
};

inline constexpr std::size_t kGapMax = 3;
inline constexpr std::size_t kElementsMax = 8;

/// A word or a phrase that speaks for an entry, or, as an exception, is not to be taken for it.
struct Term {
  std::string text;
  std::uint32_t entry = 0;
  double weight = 0;  ///< 0: an exception
  std::vector<TermElement> elements;
};

struct Pattern {
  std::string text;
  std::uint32_t entry = 0;
  double weight = 0;
  std::shared_ptr<const re2::RE2> expression;
};

/// A signal, a domain, a level of complexity …
struct VocabularyEntry {
  Section section = Section::Signals;
  std::string name;
};

struct Vocabulary {
  std::vector<VocabularyEntry> entries;
  std::vector<Term> terms;
  std::vector<Pattern> patterns;
  std::set<std::string, std::less<>> hosts;            ///< in lower case
  std::set<std::string, std::less<>> file_extensions;  ///< without the dot, in lower case

  /// The entry of that name, made if there is none.
  std::uint32_t entry(Section section, std::string_view name);
  /// Errors: InvalidArgument for a term without a word, with too many, or with an alternative of
  /// several words.
  Status addTerm(std::uint32_t entry, std::string_view text, double weight);
  /// Errors: InvalidArgument with what RE2 says.
  Status addPattern(std::uint32_t entry, const std::string& text, double weight);
  /// Drops every term and pattern of the entry.
  void clear(std::uint32_t entry);

  /// Of a stem that some term uses, else 0.
  std::uint32_t stemId(const std::string& word) const { return find(stems_, word); }
  /// Of a word that some term uses as it is spelt, else 0.
  std::uint32_t exactId(const std::string& word) const { return find(exact_, word); }
  /// The terms that begin with that id.
  const std::vector<std::uint32_t>& beginningWith(std::uint32_t id) const { return first_[id]; }

 private:
  using Ids = std::unordered_map<std::string, std::uint32_t>;
  static std::uint32_t find(const Ids& ids, const std::string& word) {
    const auto found = ids.find(word);
    return found == ids.end() ? 0 : found->second;
  }
  std::uint32_t intern(Ids& ids, std::string word);
  Status addPiece(Term& term, std::string_view piece, bool gap_before);

  Ids stems_, exact_;
  std::vector<std::vector<std::uint32_t>> first_ = {{}};  ///< by id; 0 is no word
};

/// The stem by which words are compared here: stemOf(), except for short words and those with a
/// digit, which are compared as they are.
std::string ruleStem(const std::string& word);

}  // namespace tutti::routing
