// What people ask for that no agent here does: background against which a few examples of each
// agent do not look like everything.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::routing {

/// Requests of one subject that nobody is for, unless an agent is there for that subject.
struct NobodyTopic {
  std::vector<std::string>
      unless;  ///< words, in any inflection, that make the topic an agent's own
  std::vector<std::string> examples;
  bool operator==(const NobodyTopic&) const = default;
};
using NobodyTopics = std::map<std::string, NobodyTopic, std::less<>>;

/// The examples of the topics that no agent is for, in order. `agents` are each one's texts: one is
/// for a topic when a word of `unless` is in three of them or in a quarter, as one example that
/// mentions payments makes nobody a banker.
std::vector<std::string> nobodyTexts(const NobodyTopics& topics,
                                     const std::vector<std::vector<std::string>>& agents);

}  // namespace tutti::routing
