// Which agent a request sounds like: the classifier over blueprints and feedback, also where there
// is one blueprint or none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/routing/classifier.hpp"
#include "server/routing/decisions.hpp"
#include "server/routing/fusion.hpp"
#include "server/routing/nobody.hpp"

namespace tutti::routing {

/// What agents are learnt from: the texts of one blueprint.
struct AgentTexts {
  std::string name;
  std::vector<std::string> texts;  ///< description, examples, and its lists in one
};
/// Active and routable blueprints alone.
std::vector<AgentTexts> textsOf(const std::vector<agents::Blueprint>& blueprints);

/// What a model of these agents learns to refuse.
std::vector<std::string> nobodyTextsFor(const std::vector<AgentTexts>& agents,
                                        const NobodyTopics& nobody);

/// Does learn() change anything in a model of these agents? Without a second agent to choose only
/// what the one was right for is learnt, and of agents that have gone nothing.
bool teaches(const Feedback& lesson, const std::vector<AgentTexts>& agents);

/// Trained from the same texts and the same lessons in the same order, it gives the same answers on
/// every machine. Not thread-safe while learn() runs.
class AgentModel {
 public:
  /// Without agents: nobody fits anything.
  AgentModel() = default;
  /// Never fails: what the classifier cannot learn from (one agent, none) is ranked by the share of
  /// the request's words that the agent's texts have. Blocks: a second at 1,000 agents.
  /// `vectors` of these texts and lessons, where there are any; see Fusion::train().
  /// `nobody_texts`: those of nobodyTextsFor(), where they are to count.
  static AgentModel train(const std::vector<AgentTexts>& agents,
                          const std::vector<Feedback>& lessons, const TextVectors& vectors = {},
                          const std::vector<std::string>& nobody_texts = {});

  /// In milliseconds. Agents that are unknown by now teach nothing. `vector`: the request's, or
  /// null.
  void learn(const Feedback& lesson, const TextVector* vector = nullptr);

  /// As Classifier::decide(): `candidates` are agents, best first, at most `count_max`. By the
  /// words alone without a `vector`, or without fused().
  Decision rank(std::string_view request, std::size_t count_max,
                const TextVector* vector = nullptr) const;

  /// Can it use vectors?
  bool fused() const { return fusion_.has_value(); }
  /// Of the vectors that it can use.
  std::size_t dimensions() const { return fusion_ ? fusion_->dimensions() : 0; }
  /// Is there a choice to make, so that vectors could be of use?
  bool chooses() const { return classifier_.has_value(); }
  /// Are scores probabilities? See Classifier::scaled().
  bool scaled() const { return classifier_ && classifier_->scaled(); }
  std::size_t lessons() const { return lessons_; }

 private:
  std::string labelOf(std::string_view name) const;

  Decision rankLabels(std::string_view request, std::size_t count_max,
                      const TextVector* vector) const;
  void teach(const Feedback& lesson, std::string_view label, Classifier::Verdict verdict,
             const TextVector* vector);

  std::optional<Classifier> classifier_;
  std::optional<Fusion> fusion_;
  /// Agents of the very same texts, by the first of them: they are one label, and fit alike.
  std::map<std::string, std::vector<std::string>, std::less<>> twins_;
  std::map<std::string, std::string, std::less<>> twin_of_;  ///< the others, by name
  std::string only_;                                         ///< the one agent that there is
  FeatureSpace only_space_;
  std::size_t lessons_ = 0;
};

}  // namespace tutti::routing
