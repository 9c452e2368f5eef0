#include "server/routing/lexicon.hpp"

#include <algorithm>

#include "server/routing/words.hpp"

namespace tutti::routing {

Lexicon::Lexicon() {
  std::string_view rest = kLexiconTable;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto group = static_cast<std::uint16_t>(names_.size());
    names_.push_back(line.substr(0, colon));
    for (const std::string& word : wordsOf(line.substr(colon + 1))) {
      add(word, group);
      add(stemOf(word), group);
    }
  }
}

void Lexicon::add(const std::string& word, std::uint16_t group) {
  auto& groups = groups_[word];
  if (groups.empty() || groups.back() != group) groups.push_back(group);
}

const std::vector<std::uint16_t>* Lexicon::groupsOf(const std::string& word,
                                                    const std::string& stem) const {
  if (const auto found = groups_.find(stem); found != groups_.end()) return &found->second;
  if (const auto found = groups_.find(word); found != groups_.end()) return &found->second;
  return nullptr;
}

}  // namespace tutti::routing
