// What routing costs with many blueprints: made-up ones, whose examples mix words of their own with
// words that all share. Prints two JSON objects, of
// whole decisions and of the classifier alone; see README.md.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "server/routing/classifier.hpp"
#include "server/routing/decider.hpp"
#include "server/routing/random.hpp"

namespace {
using tutti::routing::Classifier;
using tutti::routing::LabelledText;
using tutti::routing::Random;

/// The processor's time for this thread, so that a busy machine does not count.
double processorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
double secondsSince(double start) {
  return processorSeconds() - start;
}

std::string madeUpWord(std::size_t number) {
  constexpr const char* kSyllables[] = {"ka", "ro", "mi", "ten", "sul", "va", "der", "po"};
  std::string word;
  for (std::size_t rest = number + 8; rest > 0; rest /= 8) word += kSyllables[rest % 8];
  return word;
}

std::string request(Random& random, std::size_t blueprint) {
  std::string text = "please";
  for (int i = 0; i < 5; ++i) text += " " + madeUpWord(random.below(500));
  for (int i = 0; i < 3; ++i) text += " " + madeUpWord(500 + blueprint * 4 + random.below(4));
  return text;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

/// Whole decisions: analysis, rules, ranking, availability, answer.
struct Decisions {
  double learn_s = 0;
  std::vector<double> fresh_us, cached_us, lesson_ms;
};
Decisions measureDecisions(Random& random, std::size_t blueprints, std::size_t each) {
  using namespace tutti;
  auto all = std::make_shared<std::vector<agents::Blueprint>>();
  routing::AgentNames names;
  for (std::size_t b = 0; b < blueprints; ++b) {
    agents::Blueprint one;
    one.name = "blueprint_" + std::to_string(b);
    one.driver = "process";
    for (std::size_t i = 0; i < each; ++i) one.examples.push_back(request(random, b));
    names[one.name] = one.name;
    all->push_back(std::move(one));
  }
  Decisions made;
  double start = processorSeconds();
  auto model =
      std::make_shared<routing::AgentModel>(routing::AgentModel::train(routing::textsOf(*all), {}));
  made.learn_s = secondsSince(start);
  routing::Decider decider({.cache_max = 10'000});
  decider.setAgents(all, names, routing::loadRules(routing::shippedRuleFiles({}), names).rules);
  decider.setModel(model);
  constexpr std::size_t kRequests = 2000;
  for (std::size_t i = 0; i < kRequests; ++i) {
    const routing::RouteRequest asked{.request = request(random, i % blueprints)};
    start = processorSeconds();
    if (!decider.decide(asked).ok()) std::abort();
    made.fresh_us.push_back(secondsSince(start) * 1e6);
    start = processorSeconds();
    if (!decider.decide(asked)->cached) std::abort();
    made.cached_us.push_back(secondsSince(start) * 1e6);
  }
  for (std::size_t i = 0; i < 100; ++i) {
    routing::Feedback lesson;
    lesson.request = request(random, i % blueprints);
    lesson.agent = "blueprint_0";
    lesson.outcome = "right";
    start = processorSeconds();
    model->learn(lesson);
    decider.setModel(model);
    made.lesson_ms.push_back(secondsSince(start) * 1e3);
  }
  return made;
}
}  // namespace

int main(int argc, char** argv) {
  const std::size_t blueprints = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
  const std::size_t each = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10;
  Random random(1);
  std::vector<LabelledText> examples;
  for (std::size_t b = 0; b < blueprints; ++b)
    for (std::size_t i = 0; i < each; ++i)
      examples.push_back({request(random, b), "blueprint_" + std::to_string(b)});

  double start = processorSeconds();
  auto classifier = Classifier::train(examples);
  const double learning = secondsSince(start);
  if (!classifier.ok()) return 1;

  std::vector<double> decisions;
  std::size_t right = 0;
  constexpr std::size_t kDecisions = 2000;
  for (std::size_t i = 0; i < kDecisions; ++i) {
    const std::size_t blueprint = i % blueprints;
    const std::string text = request(random, blueprint);
    start = processorSeconds();
    const auto decision = classifier->decide(text);
    decisions.push_back(secondsSince(start) * 1e6);
    if (decision.candidates.front().label == "blueprint_" + std::to_string(blueprint)) ++right;
  }
  std::vector<double> feedback;
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string text = request(random, i % blueprints);
    start = processorSeconds();
    if (!classifier->learn(text, "blueprint_0", Classifier::Verdict::Right).ok()) return 1;
    feedback.push_back(secondsSince(start) * 1e3);
  }
  const Decisions whole = measureDecisions(random, blueprints, each);
  std::printf(
      "{\"router_learn_s\":%.3f,\"router_p50_us\":%.1f,\"router_p99_us\":%.1f,"
      "\"cached_p50_us\":%.1f,\"cached_p99_us\":%.1f,\"router_feedback_p50_ms\":%.3f,"
      "\"router_feedback_max_ms\":%.3f}\n",
      whole.learn_s, quantile(whole.fresh_us, 0.5), quantile(whole.fresh_us, 0.99),
      quantile(whole.cached_us, 0.5), quantile(whole.cached_us, 0.99),
      quantile(whole.lesson_ms, 0.5), quantile(whole.lesson_ms, 1.0));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"blueprints\":%zu,\"examples\":%zu,\"learn_s\":%.3f,\"decide_p50_us\":%.1f,"
      "\"decide_p99_us\":%.1f,\"right\":%.3f,\"feedback_p50_ms\":%.3f,\"feedback_max_ms\":%.3f,"
      "\"memory_max_mb\":%.1f}\n",
      blueprints, examples.size(), learning, quantile(decisions, 0.5), quantile(decisions, 0.99),
      static_cast<double>(right) / static_cast<double>(kDecisions), quantile(feedback, 0.5),
      quantile(feedback, 1.0), static_cast<double>(usage.ru_maxrss) / 1024.0);
  return 0;
}
