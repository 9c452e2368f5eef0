#include "server/routing/nobody.hpp"

#include <algorithm>
#include <set>

#include "server/routing/words.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kTextsLeast = 3;  ///< of one agent's texts with a word: it is for the topic,
constexpr std::size_t kShareOfTexts = 4;  ///< or one text of so many, where it has few

using Stems = std::set<std::string>;

Stems stemsOf(const std::string& text) {
  Stems stems;
  for (std::string& word : wordsOf(text)) stems.insert(stemOf(std::move(word)));
  return stems;
}

bool isFor(const std::vector<Stems>& texts, const Stems& term) {
  if (term.empty()) return false;
  std::size_t count = 0;
  for (const Stems& text : texts)
    if (std::includes(text.begin(), text.end(), term.begin(), term.end())) ++count;
  return count >= kTextsLeast || (count > 0 && count * kShareOfTexts >= texts.size());
}
}  // namespace

std::vector<std::string> nobodyTexts(const NobodyTopics& topics,
                                     const std::vector<std::vector<std::string>>& agents) {
  std::vector<std::vector<Stems>> said;
  for (const std::vector<std::string>& texts : agents) {
    said.emplace_back();
    for (const std::string& text : texts) said.back().push_back(stemsOf(text));
  }
  const auto hasAgent = [&](const std::string& words) {
    const Stems term = stemsOf(words);
    return std::any_of(said.begin(), said.end(),
                       [&](const std::vector<Stems>& texts) { return isFor(texts, term); });
  };
  std::vector<std::string> texts;
  for (const auto& [name, topic] : topics)
    if (std::none_of(topic.unless.begin(), topic.unless.end(), hasAgent))
      texts.insert(texts.end(), topic.examples.begin(), topic.examples.end());
  return texts;
}

}  // namespace tutti::routing
