#include "server/routing/analysis.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "server/base/text.hpp"
#include "server/routing/exact_math.hpp"
#include "server/routing/matches.hpp"
#include "server/routing/references.hpp"
#include "server/routing/rules.hpp"
#include "server/routing/tokens.hpp"
#include "server/routing/vocabulary.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kSpanBytesMax = 80;
constexpr double kConfidenceMax = 0.99;
/// What a request is without any sign of its size or haste.
constexpr double kSimpleByDefault = 0.6;
constexpr double kNormalByDefault = 0.5;

constexpr std::string_view kComplexities[] = {"simple", "moderate", "complex", "enterprise",
                                              "investigation"};
constexpr std::string_view kUrgencies[] = {"low", "normal", "high", "critical"};
constexpr std::string_view kReferenceKinds[] = {"host", "file", "url"};

std::string_view sectionName(Section section) {
  constexpr std::string_view kNames[] = {"signals", "domains",   "intents",           "complexity",
                                         "urgency", "languages", "natural_languages", "negation"};
  return kNames[static_cast<std::size_t>(section)];
}

/// What speaks for one entry: evidence that adds up as independent signs do.
struct EntryFinding {
  std::uint32_t entry = 0;
  double confidence = 0;
  std::size_t words = 0;  ///< matches, repetitions included
  std::vector<EvidenceSpan> spans;
};

class Analyzer {
 public:
  Analyzer(std::string_view request, const Vocabulary& vocabulary)
      : vocabulary_(vocabulary),
        tokens_(tokensOf(request, kAnalysedCharactersMax)),
        text_(request.substr(0, tokens_.bytes)),
        matches_(matchesOf(text_, tokens_.tokens, vocabulary)) {}

  Analysis run() {
    for (auto from = matches_.begin(); from != matches_.end();) {
      const auto to = std::find_if(from, matches_.end(),
                                   [&](const Match& match) { return match.entry != from->entry; });
      findings_.push_back(findingOf(from, to));
      from = to;
    }
    Analysis result;
    result.characters = tokens_.characters;
    result.words = tokens_.tokens.size();
    result.cut = tokens_.characters > kAnalysedCharactersMax;
    result.references = referencesIn(text_, vocabulary_);
    result.signals = named(Section::Signals, KeepRuledOut::Yes);
    result.domains = named(Section::Domains, KeepRuledOut::No);
    result.programming_languages = named(Section::Languages, KeepRuledOut::No);
    result.intent = intent();
    result.urgency = urgency();
    result.complexity = complexity(result);
    result.language = language();
    result.needs_research = flag(result.signals, "research");
    result.hardware_related = flag(result.signals, "hardware");
    result.security_sensitive = flag(result.signals, "security");
    return result;
  }

 private:
  using Iterator = std::vector<Match>::const_iterator;
  enum class KeepRuledOut { No, Yes };

  Section sectionOf(const EntryFinding& finding) const {
    return vocabulary_.entries[finding.entry].section;
  }
  const std::string& nameOf(const EntryFinding& finding) const {
    return vocabulary_.entries[finding.entry].name;
  }

  EvidenceSpan spanOf(const Match& match) const {
    const Token& first = tokens_.tokens[match.first];
    const Token& last = tokens_.tokens[match.last];
    const VocabularyEntry& entry = vocabulary_.entries[match.entry];
    std::string rule(sectionName(entry.section));
    rule.append(".").append(entry.name).append(": ").append(match.term);
    if (!match.cue.empty())
      rule += ", taken back by '" + shortened(toValidUtf8(match.cue), kSpanBytesMax) + "'";
    const std::string_view text = text_.substr(first.begin, last.end - first.begin);
    return {first.offset,
            last.offset + last.length - first.offset,
            shortened(toValidUtf8(text), kSpanBytesMax),
            std::move(rule),
            match.weight,
            !match.cue.empty()};
  }

  /// 1 - (1 - w1)(1 - w2)… over the terms, each once however often it is said; a negated one takes
  /// half its weight from what the others say.
  EntryFinding findingOf(Iterator from, Iterator to) const {
    EntryFinding finding{from->entry, 0, static_cast<std::size_t>(to - from), {}};
    std::vector<const Match*> ranked;
    for (Iterator at = from; at != to; ++at) ranked.push_back(&*at);
    std::stable_sort(ranked.begin(), ranked.end(), [](const Match* a, const Match* b) {
      return std::tuple(-a->weight, a->term) < std::tuple(-b->weight, b->term);
    });
    double doubt = 1, kept = 1;
    const Match *last_for = nullptr, *last_against = nullptr;
    for (const Match* match : ranked) {
      const Match*& last = match->cue.empty() ? last_for : last_against;
      const bool repeated = last != nullptr && last->term == match->term;
      last = match;
      if (!repeated && match->cue.empty()) doubt *= 1 - match->weight;
      if (!repeated && !match->cue.empty()) kept *= 1 - match->weight / 2;
      if (finding.spans.size() < kSpansMax) finding.spans.push_back(spanOf(*match));
    }
    finding.confidence = std::min(kConfidenceMax, (1 - doubt) * kept);
    return finding;
  }

  std::vector<const EntryFinding*> inSection(Section section) const {
    std::vector<const EntryFinding*> found;
    for (const EntryFinding& finding : findings_)
      if (sectionOf(finding) == section) found.push_back(&finding);
    std::stable_sort(found.begin(), found.end(), [&](const auto* a, const auto* b) {
      return std::tuple(-a->confidence, nameOf(*a)) < std::tuple(-b->confidence, nameOf(*b));
    });
    return found;
  }

  std::vector<Finding<std::string>> named(Section section, KeepRuledOut keep) const {
    std::vector<Finding<std::string>> found;
    for (const EntryFinding* finding : inSection(section))
      if (finding->confidence > 0 || keep == KeepRuledOut::Yes)
        found.push_back({nameOf(*finding), finding->confidence, finding->spans});
    return found;
  }

  static Finding<bool> flag(const std::vector<Finding<std::string>>& signals,
                            std::string_view signal) {
    for (const Finding<std::string>& finding : signals)
      if (finding.value == signal)
        return {finding.confidence >= kSignalLeast, finding.confidence, finding.evidence};
    return {};
  }

  /// What the first verb says, unless another says it much clearer.
  Finding<std::string> intent() const {
    Finding<std::string> best;
    double best_score = 0;
    for (const EntryFinding* finding : inSection(Section::Intents)) {
      std::size_t first = tokens_.characters;
      for (const EvidenceSpan& span : finding->spans)
        if (!span.negated) first = std::min(first, span.offset);
      const bool opens = !tokens_.tokens.empty() && first <= tokens_.tokens.front().offset;
      const double score = finding->confidence + (opens ? 0.5 : 0);
      if (finding->confidence <= 0 || score <= best_score) continue;
      best_score = score;
      best = {nameOf(*finding), finding->confidence, finding->spans};
    }
    return best;
  }

  Finding<Urgency> urgency() const {
    Finding<Urgency> best{Urgency::Normal, kNormalByDefault, {}};
    for (const EntryFinding* finding : inSection(Section::Urgency)) {
      const auto at = std::find(std::begin(kUrgencies), std::end(kUrgencies), nameOf(*finding));
      const auto level = static_cast<Urgency>(at - std::begin(kUrgencies));
      const bool clearer = finding->confidence > best.confidence ||
                           (finding->confidence == best.confidence && level > best.value);
      if (clearer && finding->confidence > 0) best = {level, finding->confidence, finding->spans};
    }
    return best;
  }

  /// A sign that is no word: how much is asked.
  struct Structure {
    Complexity level;
    double weight;
    std::string rule;
  };
  std::vector<Structure> structures(const Analysis& result) const {
    std::vector<Structure> found;
    std::size_t verbs = 0, domains = 0;
    for (const EntryFinding& finding : findings_)
      if (sectionOf(finding) == Section::Intents && finding.confidence > 0) ++verbs;
    for (const Finding<std::string>& domain : result.domains)
      if (domain.confidence >= kSignalLeast) ++domains;
    const auto add = [&](Complexity level, double weight, std::size_t count, const char* what) {
      found.push_back({level, weight, "structure: " + std::to_string(count) + what});
    };
    if (verbs >= 2) add(Complexity::Moderate, 0.3, verbs, " kinds of work");
    if (verbs >= 4) add(Complexity::Complex, 0.4, verbs, " kinds of work");
    if (domains >= 3) add(Complexity::Complex, 0.4, domains, " domains");
    if (result.words >= 60) add(Complexity::Moderate, 0.4, result.words, " words");
    if (result.words >= 250) add(Complexity::Complex, 0.5, result.words, " words");
    return found;
  }

  /// The level that most speaks for; of equals the higher one.
  Finding<Complexity> complexity(const Analysis& result) const {
    std::array<Finding<Complexity>, std::size(kComplexities)> levels;
    for (std::size_t i = 0; i < levels.size(); ++i) levels[i].value = static_cast<Complexity>(i);
    for (const EntryFinding* finding : inSection(Section::Complexity)) {
      const auto at =
          std::find(std::begin(kComplexities), std::end(kComplexities), nameOf(*finding));
      Finding<Complexity>& level = levels[static_cast<std::size_t>(at - std::begin(kComplexities))];
      level.confidence = finding->confidence;
      level.evidence = finding->spans;
    }
    for (const Structure& sign : structures(result)) {
      Finding<Complexity>& level = levels[static_cast<std::size_t>(sign.level)];
      level.confidence = 1 - (1 - level.confidence) * (1 - sign.weight);
      if (level.evidence.size() < kSpansMax)
        level.evidence.push_back({0, 0, "", sign.rule, sign.weight, false});
    }
    const auto best =
        std::max_element(levels.rbegin(), levels.rend(),
                         [](const auto& a, const auto& b) { return a.confidence < b.confidence; });
    if (best->confidence > 0) return *best;
    Finding<Complexity> simple = levels.front();
    simple.confidence = kSimpleByDefault;
    return simple;
  }

  /// By script where that tells, else by the little words of each language.
  Finding<std::string> language() const {
    std::array<std::size_t, static_cast<std::size_t>(Script::Other) + 1> scripts{};
    for (const Token& token : tokens_.tokens) ++scripts[static_cast<std::size_t>(token.script)];
    const auto most = std::max_element(scripts.begin() + 1, scripts.end() - 1);  // Other tells none
    // One word of such a script may stand for a whole sentence without spaces.
    if (*most > 0 && *most * 3 >= scripts.front()) {
      std::size_t index = static_cast<std::size_t>(most - scripts.begin());
      if (scripts[static_cast<std::size_t>(Script::Kana)] > 0 && index == kHan)
        index = static_cast<std::size_t>(Script::Kana);
      return {std::string(languageOf(static_cast<Script>(index))), 0.8, {}};
    }
    std::size_t all = 0;
    const EntryFinding* best = nullptr;
    for (const EntryFinding* finding : inSection(Section::NaturalLanguages)) {
      all += finding->words;
      const bool more = best == nullptr || finding->words > best->words ||
                        (finding->words == best->words && nameOf(*finding) < nameOf(*best));
      if (more) best = finding;
    }
    if (best == nullptr) return {};
    const double share = static_cast<double>(best->words) / static_cast<double>(all);
    // A word or two prove little.
    const double amount = static_cast<double>(std::min<std::size_t>(best->words, 4)) / 4;
    return {nameOf(*best), share * (0.4 + 0.6 * amount), best->spans};
  }
  static constexpr std::size_t kHan = static_cast<std::size_t>(Script::Han);

  const Vocabulary& vocabulary_;
  const Tokens tokens_;
  const std::string_view text_;
  const std::vector<Match> matches_;
  std::vector<EntryFinding> findings_;
};

double confidenceOf(const std::vector<Finding<std::string>>& findings, std::string_view name) {
  for (const Finding<std::string>& finding : findings)
    if (finding.value == name) return finding.confidence;
  return 0;
}

Json valueJson(const std::string& value) {
  return value;
}
Json valueJson(bool value) {
  return value;
}
Json valueJson(Complexity value) {
  return std::string(name(value));
}
Json valueJson(Urgency value) {
  return std::string(name(value));
}
Json valueJson(const Reference& value) {
  return {{"kind", std::string(name(value.kind))}, {"text", value.text}};
}

Json spanJson(const EvidenceSpan& span) {
  Json json = {{"offset", span.offset},
               {"length", span.length},
               {"text", span.text},
               {"rule", span.rule},
               {"weight", rounded(span.weight)}};
  if (span.negated) json["negated"] = true;
  return json;
}

template <class T>
Json findingJson(const Finding<T>& finding) {
  Json evidence = Json::array();
  for (const EvidenceSpan& span : finding.evidence) evidence.push_back(spanJson(span));
  return {{"value", valueJson(finding.value)},
          {"confidence", rounded(finding.confidence)},
          {"evidence", std::move(evidence)}};
}

template <class T>
Json findingsJson(const std::vector<Finding<T>>& findings) {
  Json list = Json::array();
  for (const Finding<T>& finding : findings) list.push_back(findingJson(finding));
  return list;
}
}  // namespace

std::string_view name(Complexity complexity) {
  return kComplexities[static_cast<std::size_t>(complexity)];
}

std::string_view name(Urgency urgency) {
  return kUrgencies[static_cast<std::size_t>(urgency)];
}

std::string_view name(ReferenceKind kind) {
  return kReferenceKinds[static_cast<std::size_t>(kind)];
}

Analysis analyze(std::string_view request, const Rules& rules) {
  return Analyzer(request, rules.vocabulary()).run();
}

double signalConfidence(const Analysis& analysis, std::string_view signal) {
  return confidenceOf(analysis.signals, signal);
}

double domainConfidence(const Analysis& analysis, std::string_view domain) {
  return confidenceOf(analysis.domains, domain);
}

Json toJson(const Analysis& analysis) {
  return {{"intent", findingJson(analysis.intent)},
          {"complexity", findingJson(analysis.complexity)},
          {"domains", findingsJson(analysis.domains)},
          {"urgency", findingJson(analysis.urgency)},
          {"needs_research", findingJson(analysis.needs_research)},
          {"hardware_related", findingJson(analysis.hardware_related)},
          {"security_sensitive", findingJson(analysis.security_sensitive)},
          {"signals", findingsJson(analysis.signals)},
          {"references", findingsJson(analysis.references)},
          {"programming_languages", findingsJson(analysis.programming_languages)},
          {"language", findingJson(analysis.language)},
          {"characters", analysis.characters},
          {"words", analysis.words},
          {"cut", analysis.cut}};
}

}  // namespace tutti::routing
