#include "server/routing/evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "server/base/file.hpp"
#include "server/json/json.hpp"
#include "server/routing/fusion.hpp"

namespace tutti::routing {
namespace {
using SteadyClock = std::chrono::steady_clock;

double secondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

Error lineError(const std::filesystem::path& path, std::size_t line, const std::string& what) {
  return Error(Code::InvalidArgument, path.string() + ":" + std::to_string(line) + ": " + what,
               R"(each line is an object {"text": "…", "label": "…"})");
}

Result<LabelledText> readLine(std::string_view line) {
  const auto parsed = json::parse(line);
  if (!parsed.ok()) return parsed.error();
  if (!parsed->is_object()) return Error(Code::InvalidArgument, "the line is not an object");
  const auto text = json::readString(*parsed, "text");
  if (!text.ok()) return text.error();
  const auto label = json::readString(*parsed, "label");
  if (!label.ok()) return label.error();
  if (!*text) return Error(Code::InvalidArgument, "\"text\" is missing");
  if (!*label || (*label)->empty())
    return Error(Code::InvalidArgument, "\"label\" is missing or empty");
  return LabelledText{**text, **label};
}

/// Counts what one or more classifiers answer.
class Measurement {
 public:
  struct Views {
    const Classifier& classifier;
    const Fusion* fusion = nullptr;
    const TextVectors& vectors;
  };
  void test(const Views& views, const std::vector<LabelledText>& texts) {
    for (const LabelledText& one : texts) {
      const TextVector* vector =
          views.fusion == nullptr ? nullptr : findVector(views.vectors, one.text);
      const auto start = SteadyClock::now();
      const Decision decision = decide(views, one.text, vector);
      times_us_.push_back(secondsSince(start) * 1e6);
      by_vectors_ += vector == nullptr ? 0U : 1U;
      count(one.label, decision);
    }
  }
  void trained(double seconds) { train_seconds_ += seconds; }

  Report report() {
    Report report;
    report.texts = labelled_ + nobody_;
    report.labels = seen_.size();
    if (labelled_ > 0) report.in_scope_accuracy = share(right_, labelled_);
    if (nobody_ > 0) report.oos_recall = share(refused_, nobody_);
    report.accuracy = share(right_ + refused_, report.texts);
    report.by_vectors = by_vectors_;
    report.ece = calibration_error_.value();
    report.train_seconds = train_seconds_;
    std::sort(times_us_.begin(), times_us_.end());
    report.p50_us = times_us_[(times_us_.size() - 1) / 2];
    report.p99_us = times_us_[(times_us_.size() - 1) * 99 / 100];
    for (const auto& [pair, number] : wrong_)
      report.confusions.push_back({pair.first, pair.second, number});
    std::stable_sort(report.confusions.begin(), report.confusions.end(),
                     [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
    return report;
  }

 private:
  static double share(std::size_t part, std::size_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
  }

  static Decision decide(const Views& views, const std::string& text, const TextVector* vector) {
    constexpr std::size_t kCandidates = 5;
    if (vector == nullptr) return views.classifier.decide(text);
    return views.fusion->decide(views.classifier.decide(text, views.classifier.labels().size()),
                                *vector, kCandidates);
  }

  void count(const std::string& expected, const Decision& decision) {
    const bool answered = decision.in_scope && !decision.candidates.empty();
    const std::string given =
        answered ? decision.candidates.front().label : std::string(kNobodyLabel);
    if (given != expected) ++wrong_[{expected, given}];
    if (expected == kNobodyLabel) {
      ++nobody_;
      refused_ += answered ? 0U : 1U;
      return;
    }
    seen_.insert(expected);
    ++labelled_;
    right_ += given == expected ? 1U : 0U;
    if (decision.candidates.empty()) return;
    const Candidate& best = decision.candidates.front();
    calibration_error_.add(best.score, best.label == expected);
  }

  std::size_t labelled_ = 0;
  std::size_t right_ = 0;
  std::size_t nobody_ = 0;
  std::size_t refused_ = 0;
  std::size_t by_vectors_ = 0;
  std::set<std::string> seen_;
  std::map<std::pair<std::string, std::string>, std::size_t> wrong_;
  CalibrationError calibration_error_;
  std::vector<double> times_us_;
  double train_seconds_ = 0;
};

Status checkTest(const EvaluationInput& input) {
  if (input.test.empty())
    return Error(Code::InvalidArgument, "there is no text to test with",
                 "give a test file with at least one line");
  std::set<std::string> known;
  for (const LabelledText& one : input.train) known.insert(one.label);
  for (const LabelledText& one : input.test)
    if (one.label != kNobodyLabel && !known.contains(one.label))
      return Error(Code::InvalidArgument, "test label '" + one.label + "' has no example",
                   "give examples of it in the training file");
  return ok();
}

Status trainAndTest(const EvaluationInput& input, const TextVectors& vectors,
                    Classifier::Options options, Measurement& measurement) {
  const auto start = SteadyClock::now();
  std::vector<HeldOut> judged;
  const auto classifier = Classifier::train(input.train, input.validation, options,
                                            vectors.empty() ? nullptr : &judged);
  if (!classifier.ok()) return classifier.error();
  std::optional<Fusion> fusion;
  if (!vectors.empty()) fusion = Fusion::train(input.train, classifier->labels(), judged, vectors);
  measurement.trained(secondsSince(start));
  measurement.test({*classifier, fusion ? &*fusion : nullptr, vectors}, input.test);
  return ok();
}

}  // namespace

Result<std::vector<LabelledText>> readLabelled(const std::filesystem::path& path) {
  const auto content = readFile(path, kEvaluationBytesMax);
  if (!content.ok()) return content.error();
  std::vector<LabelledText> texts;
  std::string_view rest = *content;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto one = readLine(line);
    if (!one.ok()) return lineError(path, number, one.error().message());
    texts.push_back(std::move(one).value());
  }
  if (texts.empty())
    return Error(Code::InvalidArgument, path.string() + " has no line",
                 R"(each line is an object {"text": "…", "label": "…"})");
  return texts;
}

Result<Report> evaluate(const EvaluationInput& input, const TextVectors& vectors) {
  if (Status checked = checkTest(input); !checked.ok()) return checked.error();
  Measurement measurement;
  if (Status done = trainAndTest(input, vectors, {}, measurement); !done.ok()) return done.error();
  return measurement.report();
}

Result<Report> crossValidate(const std::vector<LabelledText>& texts, const TextVectors& vectors,
                             std::size_t folds) {
  std::map<std::string, std::size_t> counts;
  std::vector<std::size_t> fold_of;
  for (const LabelledText& one : texts) fold_of.push_back(counts[one.label]++ % folds);
  for (const auto& [label, count] : counts)
    if (count < 2 && label != kNobodyLabel)
      return Error(Code::InvalidArgument,
                   "label '" + label + "' has one text, so none to test with",
                   "give two or more texts of each label, or a file of its own with --test");
  Classifier::Options options;
  options.word_order = false;
  options.nets_max = 1;
  Measurement measurement;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    EvaluationInput input;
    for (std::size_t i = 0; i < texts.size(); ++i)
      (fold_of[i] == fold ? input.test : input.train).push_back(texts[i]);
    if (input.test.empty()) continue;
    if (Status done = trainAndTest(input, vectors, options, measurement); !done.ok())
      return done.error();
  }
  return measurement.report();
}

}  // namespace tutti::routing
