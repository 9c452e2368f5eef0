// What the analysis of a request and the choice of a strategy cost, with all shipped rules. Prints
// one JSON object; see README.md.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/routing/rules.hpp"
#include "server/routing/strategy.hpp"

namespace {
using namespace tutti;

/// The processor's time for this thread, so that a busy machine does not count.
double microseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}
}  // namespace

int main() {
  agents::BlueprintCatalog::Options options;
  options.packs = {"amas", "nephio", "pantheros"};
  agents::BlueprintCatalog catalog(options);
  double start = microseconds();
  const routing::LoadedRules loaded =
      routing::loadRules(routing::shippedRuleFiles(options.packs), routing::agentNames(catalog));
  const double loading = microseconds() - start;
  if (!loaded.problems.empty()) return 1;

  std::vector<double> analysing, choosing;
  for (int round = 0; round < 10; ++round)
    for (const agents::Blueprint& blueprint : catalog.list())
      for (const std::string& example : blueprint.examples) {
        start = microseconds();
        const routing::Analysis analysis = routing::analyze(example, loaded.rules);
        const double analysed = microseconds();
        const routing::Strategy strategy = routing::choose(analysis, {}, loaded.rules);
        choosing.push_back(microseconds() - analysed);
        analysing.push_back(analysed - start);
        if (strategy.rule.empty()) return 1;
      }
  std::string large;
  while (large.size() < (1U << 20)) large += "Review the firewall of all hosts, then deploy it. ";
  start = microseconds();
  const routing::Analysis of_large = routing::analyze(large, loaded.rules);
  const double large_time = microseconds() - start;
  std::printf(
      "{\"requests\":%zu,\"analysis_p50_us\":%.1f,\"analysis_p99_us\":%.1f,\"choice_p50_us\":%.1f,"
      "\"choice_p99_us\":%.1f,\"one_megabyte_ms\":%.2f,\"rules_load_ms\":%.1f}\n",
      analysing.size(), quantile(analysing, 0.5), quantile(analysing, 0.99),
      quantile(choosing, 0.5), quantile(choosing, 0.99), large_time / 1e3, loading / 1e3);
  return of_large.cut ? 0 : 1;
}
