// What words mean, roughly: a table of general English that puts "buy" with "purchase" and
// "french" with "german", so that a request finds examples that use other words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tutti::routing {

/// Immutable, so thread-safe.
class Lexicon {
 public:
  /// Reads the table in lexicon_table.cpp.
  Lexicon();

  /// The groups that a word is in, by the word or its stem; nullptr when in none. Lives as long as
  /// this.
  const std::vector<std::uint16_t>* groupsOf(const std::string& word,
                                             const std::string& stem) const;
  std::string_view nameOf(std::uint16_t group) const { return names_[group]; }

 private:
  void add(const std::string& word, std::uint16_t group);

  std::vector<std::string_view> names_;
  std::unordered_map<std::string, std::vector<std::uint16_t>> groups_;
};

/// The table: a group a line, "name: word word …". A word may be in several groups.
extern const std::string_view kLexiconTable;

}  // namespace tutti::routing
