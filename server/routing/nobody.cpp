#include "server/routing/nobody.hpp"

#include <algorithm>
#include <set>

#include "server/routing/words.hpp"

namespace tutti::routing {

std::vector<std::string> nobodyTexts(const NobodyTopics& topics,
                                     const std::vector<std::string_view>& agents_texts) {
  std::set<std::string> said;
  for (const std::string_view text : agents_texts)
    for (std::string& word : wordsOf(text)) said.insert(stemOf(std::move(word)));
  const auto isSaid = [&](const std::string& term) {
    const std::vector<std::string> words = wordsOf(term);
    return !words.empty() && std::all_of(words.begin(), words.end(), [&](const std::string& word) {
      return said.contains(stemOf(word));
    });
  };
  std::vector<std::string> texts;
  for (const auto& [name, topic] : topics)
    if (std::none_of(topic.unless.begin(), topic.unless.end(), isSaid))
      texts.insert(texts.end(), topic.examples.begin(), topic.examples.end());
  return texts;
}

}  // namespace tutti::routing
