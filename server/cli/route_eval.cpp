#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "server/cli/print.hpp"
#include "server/cli/route.hpp"
#include "server/cli/route_vectors.hpp"
#include "server/routing/evaluation.hpp"

namespace tutti::cli {
namespace {
constexpr std::size_t kConfusionsShown = 10;

Error filesError(std::string message) {
  return Error(Code::InvalidArgument, std::move(message),
               "give --train and --test (and --val), or one file alone");
}

/// One file's texts, or the three parts.
struct Texts {
  std::vector<routing::LabelledText> all;
  routing::EvaluationInput parts;
};

Result<Texts> readTexts(const RouteEvalRequest& request) {
  const bool split = !request.train.empty() || !request.test.empty() || !request.validation.empty();
  if (request.file.empty() == !split) return filesError("these files do not go together");
  if (split && request.train.empty()) return filesError("--train is missing");
  if (split && request.test.empty()) return filesError("--test is missing");
  Texts texts;
  struct Part {
    const std::string& path;
    std::vector<routing::LabelledText>& texts;
  };
  for (const Part& part :
       {Part{request.file, texts.all}, Part{request.train, texts.parts.train},
        Part{request.validation, texts.parts.validation}, Part{request.test, texts.parts.test}}) {
    if (part.path.empty()) continue;
    auto read = routing::readLabelled(part.path);
    if (!read.ok()) return read.error();
    part.texts = std::move(read).value();
  }
  return texts;
}

Result<routing::Report> measure(const Texts& texts, const routing::TextVectors& vectors) {
  if (!texts.all.empty()) return routing::crossValidate(texts.all, vectors);
  return routing::evaluate(texts.parts, vectors);
}

/// Those of one batch; texts that the server will not have are left out.
Status embedBatch(const routing::VectorSource& source, const std::vector<std::string>& batch,
                  routing::TextVectors& vectors) {
  const auto components = source.learn(batch, {});
  if (!components.ok() && !source.is_texts_fault(components.error())) return components.error();
  if (!components.ok()) {
    if (batch.size() > 1)
      for (const std::string& text : batch)
        if (Status done = embedBatch(source, {text}, vectors); !done.ok()) return done;
    return ok();
  }
  auto made = routing::vectorsOf(*components);
  if (!made.ok()) return made.error();
  for (std::size_t i = 0; i < batch.size(); ++i)
    vectors[routing::vectorKey(batch[i])] = std::move((*made)[i]);
  return ok();
}

Result<routing::TextVectors> embedAll(const routing::VectorSource& source, const Texts& texts) {
  std::set<std::string> wanted;
  for (const auto* part :
       {&texts.all, &texts.parts.train, &texts.parts.validation, &texts.parts.test})
    for (const routing::LabelledText& one : *part) wanted.insert(routing::vectorText(one.text));
  routing::TextVectors vectors;
  std::vector<std::string> batch;
  for (auto text = wanted.begin(); text != wanted.end();) {
    batch.push_back(*text++);
    if (batch.size() < routing::kVectorBatchMax && text != wanted.end()) continue;
    if (Status done = embedBatch(source, batch, vectors); !done.ok()) return done.error();
    batch.clear();
  }
  return vectors;
}

/// By the words alone, and by the vectors too where there is a server for them.
struct Measured {
  routing::Report words;
  std::optional<routing::Report> both;
  std::string model;
  std::size_t dimensions = 0;
};

Result<Measured> measureAll(const Settings& settings, const RouteEvalRequest& request) {
  const auto source = routeVectors(settings);
  if (!source.ok()) return source.error();
  const auto texts = readTexts(request);
  if (!texts.ok()) return texts.error();
  Measured measured;
  auto words = measure(*texts, {});
  if (!words.ok()) return words.error();
  measured.words = std::move(*words);
  if (!*source) return measured;
  const auto vectors = embedAll(**source, *texts);
  if (!vectors.ok()) return vectors.error();
  auto both = measure(*texts, *vectors);
  if (!both.ok()) return both.error();
  measured.both = std::move(*both);
  measured.model = (*source)->model;
  if (!vectors->empty()) measured.dimensions = vectors->begin()->second.size();
  return measured;
}

Json toJson(const routing::Report& report) {
  const auto orNull = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  Json confusions = Json::array();
  for (std::size_t i = 0; i < report.confusions.size() && i < kConfusionsShown; ++i) {
    const routing::Confusion& one = report.confusions[i];
    confusions.push_back(
        Json::object({{"expected", one.expected}, {"given", one.given}, {"count", one.count}}));
  }
  return Json::object({{"texts", report.texts},
                       {"labels", report.labels},
                       {"in_scope_accuracy", orNull(report.in_scope_accuracy)},
                       {"oos_recall", orNull(report.oos_recall)},
                       {"accuracy", report.accuracy},
                       {"ece", report.ece},
                       {"train_seconds", report.train_seconds},
                       {"p50_us", report.p50_us},
                       {"p99_us", report.p99_us},
                       {"confusions", std::move(confusions)}});
}

std::string percent(const std::optional<double>& share) {
  if (!share) return "none in the file";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f %%", *share * 100.0);
  return text.data();
}

std::string number(double value, const char* unit) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.3f %s", value, unit);
  return text.data();
}

std::string rowsOf(const routing::Report& report) {
  std::string out;
  const auto row = [&out](const char* name, const std::string& value) {
    std::string cell = name;
    cell.resize(32, ' ');
    out += cell + value + "\n";
  };
  row("right, of those in scope", percent(report.in_scope_accuracy));
  row("refused, of those that are not", percent(report.oos_recall));
  row("right, of all", percent(report.accuracy));
  row("calibration error", number(report.ece, "(0 is best)"));
  row("learning", number(report.train_seconds, "s"));
  row("a decision, half below", number(report.p50_us, "us"));
  row("a decision, 99 % below", number(report.p99_us, "us"));
  return out;
}

std::string forPeople(const Measured& measured) {
  const routing::Report& report = measured.both ? *measured.both : measured.words;
  std::string out =
      std::to_string(report.texts) + " texts, " + std::to_string(report.labels) + " labels\n\n";
  if (measured.both) out += "By the words alone:\n";
  out += rowsOf(measured.words);
  if (measured.both)
    out += "\nBy the vectors of '" + measured.model + "' (" + std::to_string(measured.dimensions) +
           " dimensions) too, heard for " + std::to_string(report.by_vectors) +
           " texts; a decision's time is without that of the server:\n" + rowsOf(report);
  if (report.confusions.empty()) return out;
  out += "\nMost frequent mistakes (expected -> given):\n";
  for (std::size_t i = 0; i < report.confusions.size() && i < kConfusionsShown; ++i) {
    const routing::Confusion& one = report.confusions[i];
    std::string count = std::to_string(one.count);
    count.insert(0, 6 - std::min<std::size_t>(count.size(), 5), ' ');
    out += count + "  " + oneLine(one.expected, 40) + " -> " + oneLine(one.given, 40) + "\n";
  }
  return out;
}

}  // namespace

int runRouteEval(const Settings& settings, const RouteEvalRequest& request) {
  const auto measured = measureAll(settings, request);
  if (!measured.ok()) return printError(measured.error());
  if (request.format != Format::Json) return printOut(forPeople(*measured)) ? 0 : 1;
  Json json = toJson(measured->words);
  if (measured->both) {
    json["embeddings"] = toJson(*measured->both);
    json["embeddings"]["model"] = measured->model;
    json["embeddings"]["dimensions"] = measured->dimensions;
    json["embeddings"]["by_vectors"] = measured->both->by_vectors;
  }
  return printOut(json::dump(json) + "\n") ? 0 : 1;
}

}  // namespace tutti::cli
