#include "server/routing/decider.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/base/digest.hpp"
#include "server/base/text.hpp"
#include "server/routing/exact_math.hpp"
#include "server/routing/names.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kRankedMax = 32;  ///< agents that are looked at where none are named
constexpr std::size_t kOthersMax = 8;

std::string shown(double score) {
  const auto percent = static_cast<int>(score * 100 + 0.5);
  return std::to_string(percent) + " %";
}

bool hasDemands(const RouteRequest& request) {
  static const std::string none = keyOf(Constraints());
  return !request.candidates.empty() || keyOf(request.constraints) != none;
}

/// Of all that a decision depends on, each part with its size before it: no two requests share one.
std::string keyOf(const RouteRequest& request, const std::string& normal,
                  const RequestMeaning& meaning) {
  std::string text = request.to_start ? "start " : "tell ";
  text += meaning.request ? "vector " : "words ";
  const auto add = [&text](const std::string& part) {
    text.append(std::to_string(part.size())).append(1, ':').append(part);
  };
  add(normal);
  add(request.context);
  add(keyOf(request.constraints));
  for (const std::string& name : request.candidates) add(name);
  return sha256(text);
}

/// The agents that a strategy starts with or needs.
std::vector<std::string> chosenBy(const Strategy& strategy) {
  std::vector<std::string> all;
  const auto add = [&all](const std::string& name) {
    if (!name.empty()) addOnce(all, name);
  };
  add(strategy.agent);
  for (const WorkflowStep& step : strategy.steps) add(step.agent);
  for (const SwarmCluster& cluster : strategy.clusters)
    for (const std::string& name : cluster.agents) add(name);
  if (strategy.type != StrategyType::Clarify)
    for (const std::string& name : strategy.agents) add(name);
  return all;
}

/// Load may have put another than `ranked_first` before the rest: of twins the others are the twins
/// then, and who is no twin of theirs has none.
void heedLoad(Choice& choice, const std::string& ranked_first) {
  if (choice.twins.empty() || choice.candidates.front().name == ranked_first) return;
  const auto taken =
      std::find(choice.twins.begin(), choice.twins.end(), choice.candidates.front().name);
  if (taken == choice.twins.end()) return choice.twins.clear();
  *taken = ranked_first;
}

/// Who may be tried when `first` has failed, best first.
std::vector<std::string> othersOf(const RouteRequest& request,
                                  const std::vector<RankedAgent>& candidates,
                                  const std::string& first) {
  double rest = 0;
  for (const RankedAgent& one : candidates) rest += one.name == first ? 0 : one.score;
  std::vector<std::string> others;
  for (const RankedAgent& one : candidates) {
    const bool may = !request.candidates.empty() || one.score >= kTryLeast * rest;
    if (one.name != first && may && others.size() < kOthersMax) others.push_back(one.name);
  }
  return others;
}

std::string wordsOfEvidence(const std::vector<Evidence>& evidence) {
  std::vector<std::string> words;
  for (const Evidence& one : evidence) words.push_back("'" + one.text + "'");
  return joined(words);
}
}  // namespace

std::string textWithContext(const RouteRequest& request) {
  return normalisedRequest(request.request) + "\n" + request.context;
}

bool takesPromptAlone(const agents::Blueprint& blueprint) {
  const Json& schema = blueprint.parameters_schema;
  if (!schema.is_object()) return true;
  const Json* properties = json::find(schema, "properties");
  if (properties == nullptr || json::find(*properties, "prompt") == nullptr) return false;
  const auto required = json::readStrings(schema, "required");
  if (!required.ok() || !*required) return true;
  return std::all_of((*required)->begin(), (*required)->end(),
                     [](const std::string& name) { return name == "prompt"; });
}

Decider::Decider(DeciderOptions options, const Clock& clock)
    : options_(options),
      clock_(clock),
      blueprints_(std::make_shared<const std::vector<agents::Blueprint>>()),
      model_(std::make_shared<const AgentModel>()) {}
Decider::~Decider() = default;

void Decider::setAgents(std::shared_ptr<const std::vector<agents::Blueprint>> blueprints,
                        AgentNames names, Rules rules) {
  if (blueprints == blueprints_ && rules.fingerprint() == rules_.fingerprint()) return;
  blueprints_ = std::move(blueprints);
  by_name_.clear();
  for (const agents::Blueprint& one : *blueprints_) by_name_[one.name] = &one;
  names_ = std::move(names);
  rules_ = std::move(rules);
  ++state_;
  without_demands_.clear();
  ++availability_;
}

void Decider::setModel(std::shared_ptr<const AgentModel> model) {
  model_ = std::move(model);
  ++state_;
}

void Decider::setPassedOver(PassedOver passed_over) {
  if (passed_over == unstartable_) return;
  unstartable_ = std::move(passed_over);
  without_demands_.clear();
  ++availability_;
}

void Decider::setRecords(AgentRecords records) {
  if (records == records_) return;
  records_ = std::move(records);
  without_demands_.clear();
  ++availability_;
}

const AgentRecord& Decider::recordOf(std::string_view name) const {
  static const AgentRecord none;
  const auto found = records_.find(name);
  return found == records_.end() ? none : found->second;
}

Result<std::vector<std::string>> Decider::resolved(const std::vector<std::string>& names) const {
  std::vector<std::string> own;
  for (const std::string& name : names) {
    const auto found = names_.find(name);
    if (found == names_.end()) {
      std::vector<std::string> known;
      for (const auto& [one, blueprint] : names_) known.push_back(one);
      const auto near = nearestNames(name, known);
      return Error(Code::NotFound, "blueprint '" + name + "' is unknown",
                   near.empty() ? "list_blueprints shows those that there are"
                                : "did you mean " + joined(near) + "?")
          .named("unknown_blueprint");
    }
    addOnce(own, found->second);
  }
  std::sort(own.begin(), own.end());
  return own;
}

Result<Decider::Answer> Decider::decide(const RouteRequest& request,
                                        const RequestMeaning& meaning) {
  const std::string normal = normalisedRequest(request.request);
  if (normal.empty())
    return Error(Code::InvalidArgument, "the request is empty", "say what is to be done")
        .named("empty_request");
  RouteRequest own = request;
  for (auto* names : {&own.candidates, &own.constraints.exclude}) {
    auto known = resolved(*names);
    if (!known.ok()) return std::move(known).error();
    *names = std::move(*known);
  }
  const std::string key = keyOf(own, normal, meaning);

  const WallTime now = clock_.now();
  const auto known = cache_.find(key);
  if (known != cache_.end() && known->second.state == state_ && now < known->second.until) {
    Entry& entry = known->second;
    if (entry.content->meaning_told != meaning.told) {
      auto content = std::make_shared<Content>(*entry.content);
      content->meaning_told = meaning.told;
      entry.content = std::move(content);
      entry.availability = 0;
    }
    if (!own.verdict && entry.availability != availability_) {
      entry.decision = choose(own, *entry.content);
      entry.availability = availability_;
    }
    if (entry.content->text_hash == base64Url(sha256(own.request)))
      return Answer{own.verdict ? choose(own, *entry.content) : entry.decision, true};
    // The same words with other white space between them: what is told of places differs.
    Content content = *entry.content;
    analyzeText(own, content);
    return Answer{choose(own, content), true};
  }
  const auto content = read(own, normal, meaning);
  const auto decision = choose(own, *content);
  if (options_.cache_ttl.count() > 0 && !own.verdict)
    keep(key, {content, now + options_.cache_ttl, decision, availability_, state_});
  return Answer{decision, false};
}

void Decider::keep(const std::string& key, Entry entry) {
  constexpr int kSweptAtOnce = 4;  // to destroy thousands at once takes long
  if (cache_.insert_or_assign(key, std::move(entry)).second) cache_order_.push_back(key);
  for (int i = 0; i < kSweptAtOnce && !cache_order_.empty(); ++i) {
    const auto oldest = cache_.find(cache_order_.front());
    if (cache_.size() <= options_.cache_max && oldest->second.state == state_) return;
    cache_.erase(oldest);
    cache_order_.pop_front();
  }
}

void Decider::analyzeText(const RouteRequest& request, Content& content) const {
  content.text_hash = base64Url(sha256(request.request));
  content.analysis = analyze(request.request, rules_);
  content.analysis_json = toJson(content.analysis);
}

std::shared_ptr<const Decider::Content> Decider::read(const RouteRequest& request,
                                                      const std::string& normal,
                                                      const RequestMeaning& meaning) const {
  const auto pointer = [](const std::optional<TextVector>& vector) {
    return vector ? &*vector : nullptr;
  };
  auto content = std::make_shared<Content>();
  content->request_hash = base64Url(sha256(normal));
  analyzeText(request, *content);
  const std::size_t count = hasDemands(request) ? by_name_.size() : kRankedMax;
  content->meaning_told = meaning.told;
  content->ranking = model_->rank(normal, count, pointer(meaning.request));
  if (content->ranking.in_scope || request.context.empty()) return content;
  Decision with_context =
      model_->rank(textWithContext(request), count, pointer(meaning.with_context));
  if (!with_context.in_scope) return content;
  content->ranking = std::move(with_context);
  content->by_context = true;
  return content;
}

std::string Decider::refusal(const agents::Blueprint& blueprint,
                             const RouteRequest& request) const {
  if (!request.candidates.empty() && !contains(request.candidates, blueprint.name))
    return "is not among the candidates";
  if (!blueprint.routable) return "is not for routing: its blueprint says routable false";
  if (const auto found = unstartable_.find(blueprint.name); found != unstartable_.end())
    return found->second;
  if (request.to_start && !takesPromptAlone(blueprint))
    return "cannot begin with a prompt alone: start it with start_agent and its parameters";
  return refusedFor(blueprint, recordOf(blueprint.name), request.constraints);
}

PassedOver Decider::passedOverFor(const RouteRequest& request) const {
  PassedOver passed;
  for (const agents::Blueprint& blueprint : *blueprints_)
    if (std::string why = refusal(blueprint, request); !why.empty())
      passed[blueprint.name] = std::move(why);
  return passed;
}

PassedOver Decider::passedOver(const RouteRequest& request) {
  if (hasDemands(request)) return passedOverFor(request);
  auto known = without_demands_.find(request.to_start);
  if (known == without_demands_.end())
    known = without_demands_.emplace(request.to_start, passedOverFor(request)).first;
  return known->second;
}

Decider::Weighed Decider::weigh(const RouteRequest& request, const Content& content) {
  Weighed weighed;
  Choice& choice = weighed.choice;
  choice.passed_over = passedOver(request);
  const auto& ranked = content.ranking.candidates;
  std::vector<RankedAgent> open;
  for (const Candidate& one : ranked)
    if (by_name_.contains(one.label) && !choice.passed_over.contains(one.label))
      open.push_back({one.label, one.score});
  const bool first_is_open = !open.empty() && open.front().name == ranked.front().label;
  const std::string ranked_first = open.empty() ? std::string() : open.front().name;
  choice.twins = joinTwins(open, rules_.twins());
  double likelihood = 0;
  for (const RankedAgent& one : open)
    if (open.front().score - one.score <= kEqualMargin && !contains(choice.twins, one.name))
      likelihood += one.score;
  Spread chosen_of = spread(std::move(open), records_);
  choice.candidates = std::move(chosen_of.candidates);
  weighed.equals = std::move(chosen_of.passed);
  heedLoad(choice, ranked_first);
  choice.in_scope = content.ranking.in_scope;
  choice.scaled = model_->scaled();
  choice.likely = !model_->scaled() || !first_is_open || likelihood >= kLikelyLeast;
  choice.score_least = first_is_open ? 0 : kFitLeast;
  if (!ranked.empty() && !first_is_open && content.ranking.in_scope &&
      (!model_->scaled() || ranked.front().score >= kLikelyLeast))
    choice.wanted = ranked.front().label;
  return weighed;
}

std::string Decider::whyOthers(const RouteRequest& request, const Weighed& weighed,
                               const RouteDecision& decision, const Considered& one) {
  const auto passed = weighed.choice.passed_over.find(one.agent);
  if (passed != weighed.choice.passed_over.end()) return passed->second;
  if (decision.strategy.type == StrategyType::Clarify) return "nobody fits well enough";
  if (request.verdict && decision.agent == request.verdict->agent && one.score >= kJudgedLeast)
    return request.verdict->by + " chose another";
  const auto equal = weighed.equals.find(one.agent);
  if (equal != weighed.equals.end()) return equal->second;
  if (decision.strategy.rule != kBestCandidateRule)
    return "the rule '" + decision.strategy.rule + "' names others";
  return "others fit better";
}

std::shared_ptr<const RouteDecision> Decider::choose(const RouteRequest& request,
                                                     const Content& content) {
  Weighed weighed = weigh(request, content);
  Choice& choice = weighed.choice;
  if (request.verdict) applyVerdict(*request.verdict, choice);

  auto decision = std::make_shared<RouteDecision>();
  decision->request_hash = content.request_hash;
  decision->strategy = routing::choose(content.analysis, choice, rules_);
  if (request.verdict)
    tellVerdict(*request.verdict, decision->strategy);
  else
    decision->close_call =
        closeCall(decision->strategy, {content.analysis, choice, content.ranking}, by_name_);
  const std::vector<std::string> chosen = chosenBy(decision->strategy);
  if (!chosen.empty()) decision->agent = chosen.front();
  const std::string evidence = wordsOfEvidence(content.ranking.evidence);
  const auto& ranked = content.ranking.candidates;

  const auto consider = [&](const std::string& name, double score) {
    Considered one;
    one.agent = name;
    one.score = score;
    one.chosen = contains(chosen, name);
    const bool best = !ranked.empty() && ranked.front().label == name;
    const bool by_rule = one.chosen && score < 0.005;
    one.reason = by_rule ? "named by the rule '" + decision->strategy.rule + "'"
                         : "fits with " + shown(score);
    if (best && !evidence.empty()) one.reason += ", by " + evidence;
    if (best && content.ranking.by_vectors) one.reason += ", by what it means";
    if (best && content.by_context) one.reason += " (with the context)";
    if (one.chosen) return decision->considered.push_back(std::move(one));
    one.why_not = whyOthers(request, weighed, *decision, one);
    decision->considered.push_back(std::move(one));
  };
  for (const Candidate& one : ranked)
    if (by_name_.contains(one.label) &&
        (decision->considered.size() < options_.shown_max || contains(chosen, one.label)))
      consider(one.label, one.score);
  for (const std::string& name : chosen)
    if (std::none_of(decision->considered.begin(), decision->considered.end(),
                     [&](const Considered& one) { return one.agent == name; }))
      consider(name, 0);
  decision->others = othersOf(request, choice.candidates, decision->agent);
  decision->answer = tell(*decision, content);
  return decision;
}

Json Decider::tell(const RouteDecision& decision, const Content& content) const {
  Json candidates = Json::array();
  for (const Considered& one : decision.considered) {
    Json line = Json::object({{"agent", one.agent},
                              {"score", rounded(one.score)},
                              {"chosen", one.chosen},
                              {"reason", one.reason},
                              {"record", toJson(recordOf(one.agent))}});
    if (!one.chosen) line["why_not"] = one.why_not;
    candidates.push_back(std::move(line));
  }
  Json answer =
      Json::object({{"strategy", toJson(decision.strategy)},
                    {"analysis", content.analysis_json},
                    {"candidates", std::move(candidates)},
                    {"scope", Json::object({{"in_scope", content.ranking.in_scope},
                                            {"score", rounded(content.ranking.scope_score)},
                                            {"threshold", rounded(content.ranking.threshold)}})}});
  if (!decision.agent.empty()) answer["agent"] = decision.agent;
  if (!content.meaning_told.is_null()) answer["embeddings"] = content.meaning_told;
  return answer;
}

}  // namespace tutti::routing
