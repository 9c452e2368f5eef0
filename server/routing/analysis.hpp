// What a request says about itself: intent, complexity, domains, urgency, signals and references,
// each with a confidence and the spans of text that speak for it or were taken back by a negation.
//
// The vocabulary is data (rules.hpp). Additive, not first match: each finding stands for itself, so
// a hardware request that touches security is both. The text is evidence only: an agent that it
// names, or an order to the router inside it, binds nobody.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::routing {

class Rules;  // rules.hpp

/// Characters of a request that are analysed; the rest is counted, not read.
inline constexpr std::size_t kAnalysedCharactersMax = 16'384;
/// Spans kept of one finding, strongest first; the others count towards its confidence all the
/// same.
inline constexpr std::size_t kSpansMax = 8;
inline constexpr std::size_t kReferencesMax = 32;

/// In order: "at least complex" is complex, enterprise and investigation.
enum class Complexity { Simple, Moderate, Complex, Enterprise, Investigation };
enum class Urgency { Low, Normal, High, Critical };
enum class ReferenceKind { Host, File, Url };

std::string_view name(Complexity complexity);
std::string_view name(Urgency urgency);
std::string_view name(ReferenceKind kind);

/// A piece of the request that a rule took as evidence.
struct EvidenceSpan {
  std::size_t offset = 0;  ///< in characters: an ill-formed byte counts as one
  std::size_t length = 0;  ///< in characters
  std::string text;        ///< as written, valid UTF-8, shortened past 80 bytes
  std::string rule;      ///< "signals.security: firewall", or "structure: …" for what is no word
  double weight = 0;     ///< 0 to 1
  bool negated = false;  ///< "without touching the firewall": taken away instead of added
};

template <class T>
struct Finding {
  T value{};
  double confidence = 0;  ///< 0 to 1; 0 with negated evidence: it was ruled out
  std::vector<EvidenceSpan> evidence;
};

struct Reference {
  ReferenceKind kind = ReferenceKind::File;
  std::string text;  ///< as written, without the punctuation around it
};

struct Analysis {
  Finding<std::string> intent;  ///< "" when no verb tells
  Finding<Complexity> complexity;
  std::vector<Finding<std::string>> domains;  ///< best first; those ruled out are left out
  Finding<Urgency> urgency;                   ///< Normal with confidence 0.5 when nothing tells
  Finding<bool> needs_research;               ///< of the signals "research", "hardware" and
  Finding<bool> hardware_related;             ///< "security": true at kSignalLeast and above
  Finding<bool> security_sensitive;
  /// Every signal of the rules that has evidence, the three above included, best first. One that
  /// was ruled out stands here with confidence 0.
  std::vector<Finding<std::string>> signals;
  std::vector<Finding<Reference>> references;  ///< in order, each once, at most kReferencesMax
  std::vector<Finding<std::string>> programming_languages;  ///< best first
  Finding<std::string> language;  ///< of the request: ISO 639-1 as in "en", "" when it is not told
  std::size_t characters = 0;     ///< of the whole request
  std::size_t words = 0;          ///< of the part that was analysed
  bool cut = false;               ///< the request is longer than kAnalysedCharactersMax
};

/// A signal counts as present from here on, where a rule names no confidence of its own.
inline constexpr double kSignalLeast = 0.5;

/// Linear in the size of `request`, whose bytes may be any. The same request and rules give the
/// same analysis, bit for bit, on every machine. Thread-safe.
Analysis analyze(std::string_view request, const Rules& rules);

/// The confidence of that signal, domain or intent; 0 when it was not found.
double signalConfidence(const Analysis& analysis, std::string_view signal);
double domainConfidence(const Analysis& analysis, std::string_view domain);

/// Members named as above; a Finding is {value, confidence, evidence}. Confidences are rounded to
/// four decimals.
Json toJson(const Analysis& analysis);

}  // namespace tutti::routing
