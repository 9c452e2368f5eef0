// How well the classifier does on texts whose label is known: what `tutti route eval` prints.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/routing/classifier.hpp"
#include "server/routing/text_vector.hpp"

namespace tutti::routing {

inline constexpr std::size_t kEvaluationBytesMax = 256U * 1024 * 1024;  ///< of one file

/// How often `given` was the answer where `expected` was right.
struct Confusion {
  std::string expected;
  std::string given;
  std::size_t count = 0;
};

/// Shares are from 0 to 1. An answer is a label, or kNobodyLabel when the decision is out of scope.
struct Report {
  std::size_t texts = 0;
  std::size_t labels = 0;
  std::optional<double> in_scope_accuracy;  ///< right answers among texts that have a label
  std::optional<double> oos_recall;         ///< refused among texts of kNobodyLabel
  double accuracy = 0;                      ///< right answers among all
  std::size_t by_vectors = 0;               ///< texts whose vectors were heard
  double ece = 0;  ///< calibration error of the best label's score, over texts that have a label
  double train_seconds = 0;
  double p50_us = 0;  ///< of one decision
  double p99_us = 0;
  std::vector<Confusion> confusions;  ///< most frequent first
};

/// Reads lines {"text": …, "label": …}; empty lines are passed over. Errors: as readFile;
/// InvalidArgument naming file and line for a line that is not such an object, and for a file
/// without any.
Result<std::vector<LabelledText>> readLabelled(const std::filesystem::path& path);

struct EvaluationInput {
  std::vector<LabelledText> train;
  std::vector<LabelledText> validation;  ///< may be empty: see Classifier::train
  std::vector<LabelledText> test;
};

/// Trains once and measures. Errors: as Classifier::train; InvalidArgument without a test text, or
/// for a test label that has no example. With `vectors` of these texts, by the words and by them.
Result<Report> evaluate(const EvaluationInput& input, const TextVectors& vectors = {});

/// Every text is tested once, by a classifier that has learnt from the others: `folds` of them,
/// over which times are added up, without the order of words as routing over blueprints. Errors: as
/// Classifier::train; InvalidArgument for a label with one text.
Result<Report> crossValidate(const std::vector<LabelledText>& texts,
                             const TextVectors& vectors = {}, std::size_t folds = 5);

}  // namespace tutti::routing
