#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/cli/print.hpp"
#include "server/cli/route.hpp"
#include "server/routing/evaluation.hpp"

namespace tutti::cli {
namespace {
constexpr std::size_t kConfusionsShown = 10;

Error filesError(std::string message) {
  return Error(Code::InvalidArgument, std::move(message),
               "give --train and --test (and --val), or one file alone");
}

Result<routing::Report> measure(const RouteEvalRequest& request) {
  const bool split = !request.train.empty() || !request.test.empty() || !request.validation.empty();
  if (request.file.empty() == !split) return filesError("these files do not go together");
  if (!request.file.empty()) {
    const auto texts = routing::readLabelled(request.file);
    if (!texts.ok()) return texts.error();
    return routing::crossValidate(*texts);
  }
  if (request.train.empty()) return filesError("--train is missing");
  if (request.test.empty()) return filesError("--test is missing");
  routing::EvaluationInput input;
  struct Part {
    const std::string& path;
    std::vector<routing::LabelledText>& texts;
  };
  for (const Part& part :
       {Part{request.train, input.train}, Part{request.validation, input.validation},
        Part{request.test, input.test}}) {
    if (part.path.empty()) continue;
    auto texts = routing::readLabelled(part.path);
    if (!texts.ok()) return texts.error();
    part.texts = std::move(texts).value();
  }
  return routing::evaluate(input);
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

std::string forPeople(const routing::Report& report) {
  std::string out =
      std::to_string(report.texts) + " texts, " + std::to_string(report.labels) + " labels\n\n";
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

int runRouteEval(const RouteEvalRequest& request) {
  const auto report = measure(request);
  if (!report.ok()) return printError(report.error());
  const bool as_json = request.format == Format::Json;
  return printOut(as_json ? json::dump(toJson(*report)) + "\n" : forPeople(*report)) ? 0 : 1;
}

}  // namespace tutti::cli
