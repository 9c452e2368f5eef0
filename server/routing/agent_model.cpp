#include "server/routing/agent_model.hpp"

#include <algorithm>
#include <utility>

namespace tutti::routing {
namespace {
/// Of one agent's texts: beyond this a blueprint says the same again.
constexpr std::size_t kTextsMax = 200;
/// Alone, an agent is in scope when it knows this share of the request's words.
constexpr double kOnlyKnownLeast = 0.5;

/// The classifier's word for nobody may be an agent's name too: names end in a mark inside it.
constexpr char kMark = '\x1f';
std::string marked(std::string_view name) {
  return name == kNobodyLabel ? std::string(name) + kMark : std::string(name);
}
std::string nameOf(std::string label) {
  if (!label.empty() && label.back() == kMark) label.pop_back();
  return label;
}

void appendWords(std::string& text, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    text += text.empty() ? "" : " ";
    for (const char letter : word) text += letter == '_' || letter == '-' ? ' ' : letter;
  }
}
}  // namespace

std::vector<AgentTexts> textsOf(const std::vector<agents::Blueprint>& blueprints) {
  std::vector<AgentTexts> all;
  all.reserve(blueprints.size());
  for (const agents::Blueprint& blueprint : blueprints) {
    if (!blueprint.active || !blueprint.routable) continue;
    AgentTexts one{blueprint.name, {}};
    if (!blueprint.description.empty()) one.texts.push_back(blueprint.description);
    std::string lists;
    for (const auto* words :
         {&blueprint.capabilities, &blueprint.skills, &blueprint.tags, &blueprint.aliases})
      appendWords(lists, *words);
    if (!lists.empty()) one.texts.push_back(std::move(lists));
    for (const std::string& example : blueprint.examples)
      if (one.texts.size() < kTextsMax) one.texts.push_back(example);
    if (one.texts.empty()) one.texts.push_back(blueprint.name);
    all.push_back(std::move(one));
  }
  return all;
}

std::vector<std::string> nobodyTextsFor(const std::vector<AgentTexts>& agents,
                                        const NobodyTopics& nobody) {
  std::vector<std::vector<std::string>> said;
  for (const AgentTexts& agent : agents) said.push_back(agent.texts);
  return nobodyTexts(nobody, said);
}

std::string AgentModel::labelOf(std::string_view name) const {
  const auto twin = twin_of_.find(name);
  return marked(twin == twin_of_.end() ? name : std::string_view(twin->second));
}

AgentModel AgentModel::train(const std::vector<AgentTexts>& agents,
                             const std::vector<Feedback>& lessons, const TextVectors& vectors,
                             const std::vector<std::string>& nobody_texts) {
  AgentModel model;
  std::vector<LabelledText> examples;
  std::map<std::vector<std::string>, std::string> firsts;
  for (const AgentTexts& agent : agents) {
    const auto [first, is_new] = firsts.emplace(agent.texts, agent.name);
    if (!is_new) {
      model.twins_[first->second].push_back(agent.name);
      model.twin_of_[agent.name] = first->second;
      continue;
    }
    for (const std::string& text : agent.texts) examples.push_back({text, marked(agent.name)});
  }
  if (firsts.size() == 1) {
    model.only_ = agents.front().name;
    std::vector<std::string> texts = agents.front().texts;
    texts.push_back(agents.front().name);
    model.only_space_.fit(texts, {});
  }
  if (firsts.size() > 1) {
    for (const std::string& text : nobody_texts)
      examples.push_back({text, std::string(kNobodyLabel)});
    Classifier::Options options;
    options.folds_max = 1;
    options.word_order = false;  // requests wait while it learns
    options.nets_max = 1;
    std::vector<HeldOut> judged;
    auto trained = Classifier::train(examples, {}, options, vectors.empty() ? nullptr : &judged);
    if (trained.ok()) model.classifier_ = std::move(trained).value();
    if (trained.ok() && !vectors.empty())
      model.fusion_ = Fusion::train(examples, model.classifier_->labels(), judged, vectors);
  }
  for (const Feedback& lesson : lessons) model.learn(lesson, findVector(vectors, lesson.request));
  return model;
}

void AgentModel::teach(const Feedback& lesson, std::string_view label, Classifier::Verdict verdict,
                       const TextVector* vector) {
  // An agent that has gone since teaches nothing: NotFound.
  (void)classifier_->learn(lesson.request, label, verdict);
  if (fusion_ && vector != nullptr) fusion_->learn(*vector, label, verdict);
}

void AgentModel::learn(const Feedback& lesson, const TextVector* vector) {
  if (!lesson.teaches) return;
  ++lessons_;
  const bool right = lesson.outcome == "right" || lesson.outcome == "succeeded";
  if (!classifier_) {
    if (right && nameOf(labelOf(lesson.agent)) == only_) only_space_.add(lesson.request);
    return;
  }
  const auto verdict = right ? Classifier::Verdict::Right : Classifier::Verdict::Wrong;
  if (!lesson.agent.empty()) teach(lesson, labelOf(lesson.agent), verdict, vector);
  if (lesson.better.empty()) return;
  const std::string label =
      lesson.better == kNobodyIsBetter ? std::string(kNobodyLabel) : labelOf(lesson.better);
  teach(lesson, label, Classifier::Verdict::Right, vector);
}

bool teaches(const Feedback& lesson, const std::vector<AgentTexts>& agents) {
  if (!lesson.teaches) return false;
  const auto known = [&](const std::string& name) {
    return std::any_of(agents.begin(), agents.end(),
                       [&](const AgentTexts& one) { return one.name == name; });
  };
  const bool several = std::any_of(agents.begin(), agents.end(), [&](const AgentTexts& one) {
    return one.texts != agents.front().texts;
  });
  if (several)
    return known(lesson.agent) || known(lesson.better) || lesson.better == kNobodyIsBetter;
  const bool right = lesson.outcome == "right" || lesson.outcome == "succeeded";
  return right && known(lesson.agent);
}

Decision AgentModel::rankLabels(std::string_view request, std::size_t count_max,
                                const TextVector* vector) const {
  if (!fusion_ || vector == nullptr) return classifier_->decide(request, count_max);
  return fusion_->decide(classifier_->decide(request, classifier_->labels().size()), *vector,
                         count_max);
}

Decision AgentModel::rank(std::string_view request, std::size_t count_max,
                          const TextVector* vector) const {
  Decision decision;
  if (classifier_) {
    decision = rankLabels(request, count_max, vector);
  } else {
    decision.threshold = kOnlyKnownLeast;
    const FeatureVector words = only_space_.vectorOf(request);
    if (only_.empty() || words.entries.empty()) return decision;
    decision.scope_score = static_cast<double>(words.known_share);
    decision.in_scope = decision.scope_score >= decision.threshold;
    decision.candidates.push_back({only_, decision.scope_score});
  }
  std::vector<Candidate> agents;
  for (Candidate& candidate : decision.candidates) {
    const double score = candidate.score;
    agents.push_back({nameOf(std::move(candidate.label)), score});
    const auto twins = twins_.find(agents.back().label);
    if (twins == twins_.end()) continue;
    for (const std::string& name : twins->second) agents.push_back({name, score});
  }
  if (agents.size() > count_max) agents.resize(count_max);
  decision.candidates = std::move(agents);
  return decision;
}

}  // namespace tutti::routing
