#include "server/routing/availability.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/routing/exact_math.hpp"
#include "server/routing/names.hpp"
#include "server/store/statement.hpp"

namespace tutti::routing {
using store::Statement;

namespace {
constexpr double kDecay = 0.965936;  ///< half after twenty runs
constexpr double kPriorSuccess = 0.8;
constexpr double kPriorWeight = 2.0;               ///< as many runs as that
constexpr std::int64_t kOutcomeBytesMax = 65'536;  ///< of an outcome whose cost is read

// What an agent loses against its equals, in shares of success.
constexpr double kLoadPrice = 0.10;  ///< for each unfinished run
constexpr double kCostPrice = 0.10;  ///< for costing twice what they cost on average, and so on
constexpr double kLatencyPrice = 0.05;

/// Sums over an agent's runs, newest first.
struct Sums {
  double weight = 1.0;  ///< of the next one
  double success = kPriorSuccess * kPriorWeight, success_weight = kPriorWeight;
  double cost = 0, cost_weight = 0;
  double latency = 0, latency_weight = 0;
};

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::optional<double> meanOf(const std::vector<RankedAgent>& equals, const AgentRecords& records,
                             std::optional<double> AgentRecord::*member) {
  double sum = 0;
  int count = 0;
  for (const RankedAgent& one : equals) {
    const auto found = records.find(one.name);
    if (found == records.end() || !(found->second.*member)) continue;
    sum += *(found->second.*member);
    ++count;
  }
  if (count == 0 || sum <= 0) return std::nullopt;
  return sum / count;
}

bool hasOneOf(const std::vector<std::string>& wanted, const std::string& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

Status readList(const Json& object, const char* key, std::vector<std::string>& to) {
  auto read = json::readStrings(object, key);
  if (!read.ok()) return std::move(read).error();
  if (*read) to = std::move(**read);
  std::sort(to.begin(), to.end());
  return ok();
}
}  // namespace

RecordReader::EndedRun RecordReader::readRun(store::Connection& db, std::int64_t run_seq) {
  Statement row(db,
                "SELECT agent_name, status,"
                " CASE WHEN length(outcome) BETWEEN 2 AND ?1"
                " THEN json_extract(outcome, '$.cost_usd') END,"
                " (julianday(completed_at) - julianday(started_at)) * 86400.0"
                " FROM runs WHERE run_seq = ?2",
                kOutcomeBytesMax, run_seq);
  EndedRun run;
  if (!row.step()) return run;
  run.agent = row.text(0);
  run.completed = row.text(1) == "completed";
  if (!row.isNull(2)) run.cost_usd = row.real(2);
  if (!row.isNull(3)) run.latency_s = row.real(3);
  return run;
}

AgentRecords RecordReader::read(store::Connection& db) {
  AgentRecords records;
  Statement running(db,
                    "SELECT agent_name, COUNT(*) FROM runs WHERE status <> 'completed' AND"
                    " status <> 'failed' AND status <> 'stopped' GROUP BY agent_name");
  while (running.step()) records[running.text(0)].running = running.integer(1);

  std::map<std::int64_t, EndedRun, std::greater<>> known;
  known.swap(ended_);
  Statement newest(db,
                   "SELECT run_seq FROM runs WHERE status = 'completed' OR status = 'failed'"
                   " ORDER BY run_seq DESC LIMIT ?1",
                   kRunsLookedAtMax);
  while (newest.step()) {
    const std::int64_t run_seq = newest.integer(0);
    const auto found = known.find(run_seq);
    ended_[run_seq] = found == known.end() ? readRun(db, run_seq) : std::move(found->second);
  }

  std::map<std::string, Sums> sums;
  for (const auto& [run_seq, run] : ended_) {
    Sums& sum = sums[run.agent];
    ++records[run.agent].runs;
    sum.success += run.completed ? sum.weight : 0.0;
    sum.success_weight += sum.weight;
    if (run.cost_usd) {
      sum.cost += *run.cost_usd * sum.weight;
      sum.cost_weight += sum.weight;
    }
    if (run.latency_s) {
      sum.latency += *run.latency_s * sum.weight;
      sum.latency_weight += sum.weight;
    }
    sum.weight *= kDecay;
  }
  for (auto& [name, record] : records) {
    const Sums& sum = sums[name];
    record.success = sum.success / sum.success_weight;
    if (sum.cost_weight > 0) record.cost_usd = sum.cost / sum.cost_weight;
    if (sum.latency_weight > 0) record.latency_s = sum.latency / sum.latency_weight;
  }
  return records;
}

Result<Constraints> constraintsFrom(const Json& object) {
  Constraints constraints;
  struct List {
    const char* key;
    std::vector<std::string>& to;
  };
  for (const List& list : {List{"exclude", constraints.exclude}, List{"tags", constraints.tags},
                           List{"drivers", constraints.drivers}, List{"packs", constraints.packs}})
    if (Status read = readList(object, list.key, list.to); !read.ok())
      return std::move(read).error();
  auto cost = json::readNumber(object, "max_cost_usd");
  if (!cost.ok()) return std::move(cost).error();
  constraints.max_cost_usd = *cost;
  auto running = json::readInteger(object, "running_max");
  if (!running.ok()) return std::move(running).error();
  constraints.running_max = running->value_or(kRunningMax);
  return constraints;
}

std::string keyOf(const Constraints& constraints) {
  Json key = Json::array({constraints.exclude, constraints.tags, constraints.drivers,
                          constraints.packs, constraints.running_max});
  key.push_back(constraints.max_cost_usd ? Json(*constraints.max_cost_usd) : Json());
  return json::dump(key);
}

PassedOver unstartable(const std::vector<agents::Blueprint>& blueprints,
                       const ProgramCheck& check) {
  PassedOver passed;
  std::map<std::string, std::string> known;  // by what the program depends on
  for (const agents::Blueprint& blueprint : blueprints) {
    if (!blueprint.active) {
      passed[blueprint.name] = "is inactive";
      continue;
    }
    const std::string& word = blueprint.command.empty() ? blueprint.driver : blueprint.command[0];
    const bool relative = word.find('/') != std::string::npos && word[0] != '/';
    const std::string key =
        blueprint.driver + "\n" + (relative ? blueprint.folder + "/" : std::string()) + word;
    auto found = known.find(key);
    if (found == known.end()) found = known.emplace(key, check(blueprint)).first;
    if (!found->second.empty()) passed[blueprint.name] = found->second;
  }
  return passed;
}

std::string refusedFor(const agents::Blueprint& blueprint, const AgentRecord& record,
                       const Constraints& constraints) {
  const auto& exclude = constraints.exclude;
  if (std::find(exclude.begin(), exclude.end(), blueprint.name) != exclude.end())
    return "is excluded by the constraints";
  for (const std::string& tag : constraints.tags)
    if (std::find(blueprint.tags.begin(), blueprint.tags.end(), tag) == blueprint.tags.end())
      return "does not have the tag '" + tag + "'";
  if (!hasOneOf(constraints.drivers, blueprint.driver))
    return "is run by the driver " + blueprint.driver + ", not by " + joined(constraints.drivers);
  if (!hasOneOf(constraints.packs, blueprint.pack))
    return "is not of the pack " + joined(constraints.packs);
  if (record.running >= constraints.running_max)
    return "is at its limit: " + std::to_string(record.running) + " runs are unfinished, of " +
           std::to_string(constraints.running_max) + " (running_max)";
  const double cost = record.cost_usd.value_or(0);
  if (constraints.max_cost_usd && cost > *constraints.max_cost_usd)
    return "is over the budget: its runs cost " + number(cost) + " USD, of " +
           number(*constraints.max_cost_usd) + " (max_cost_usd)";
  if (blueprint.max_budget_usd && cost > *blueprint.max_budget_usd)
    return "is over its budget: its runs cost " + number(cost) + " USD, of " +
           number(*blueprint.max_budget_usd) + " (its max_budget_usd)";
  return {};
}

std::vector<std::string> joinTwins(std::vector<RankedAgent>& candidates, const TwinGroups& groups) {
  std::vector<std::string> twins;
  if (candidates.empty()) return twins;
  const RankedAgent first = candidates.front();
  const auto isTwin = [&](const RankedAgent& one) {
    if (one.name == first.name) return true;
    if (one.score < kTwinShare * first.score) return false;
    return std::any_of(groups.begin(), groups.end(), [&](const auto& group) {
      return contains(group.second, first.name) && contains(group.second, one.name);
    });
  };
  const auto end = std::stable_partition(candidates.begin(), candidates.end(), isTwin);
  double sum = 0, last = 0;
  for (auto at = candidates.begin(); at != end; ++at) {
    if (at->score != last) sum += at->score;  // agents of the same texts are one label, told twice
    last = at->score;
  }
  for (auto at = candidates.begin(); at != end; ++at) {
    at->score = std::min(sum, 1.0);
    if (at != candidates.begin()) twins.push_back(at->name);
  }
  return twins;
}

Spread spread(std::vector<RankedAgent> candidates, const AgentRecords& records) {
  Spread made;
  std::size_t equal = 0;
  while (equal < candidates.size() &&
         candidates.front().score - candidates[equal].score <= kEqualMargin)
    ++equal;
  if (equal < 2) {
    made.candidates = std::move(candidates);
    return made;
  }
  const std::vector<RankedAgent> equals(candidates.begin(),
                                        candidates.begin() + static_cast<std::ptrdiff_t>(equal));
  const auto cost_mean = meanOf(equals, records, &AgentRecord::cost_usd);
  const auto latency_mean = meanOf(equals, records, &AgentRecord::latency_s);
  const AgentRecord fresh{.success = kPriorSuccess};
  const auto recordOf = [&](const std::string& name) -> const AgentRecord& {
    const auto found = records.find(name);
    return found == records.end() ? fresh : found->second;
  };
  const auto worth = [&](const AgentRecord& record) {
    double value = record.success - kLoadPrice * static_cast<double>(record.running);
    if (cost_mean) value -= kCostPrice * (record.cost_usd.value_or(*cost_mean) / *cost_mean - 1);
    if (latency_mean)
      value -= kLatencyPrice * (record.latency_s.value_or(*latency_mean) / *latency_mean - 1);
    return value;
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < equal; ++i)
    if (worth(recordOf(candidates[i].name)) > worth(recordOf(candidates[best].name))) best = i;
  const std::string taken = candidates[best].name;
  for (std::size_t i = 0; i < equal; ++i) {
    if (i == best) continue;
    const AgentRecord& record = recordOf(candidates[i].name);
    const AgentRecord& other = recordOf(taken);
    made.passed[candidates[i].name] = "fits as well as " + taken + ", which has " +
                                      std::to_string(other.running) + " unfinished runs against " +
                                      std::to_string(record.running) + " and a success of " +
                                      number(other.success) + " against " + number(record.success);
  }
  std::rotate(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(best),
              candidates.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  made.candidates = std::move(candidates);
  return made;
}

Json toJson(const AgentRecord& record) {
  Json json = Json::object({{"running", record.running}, {"runs", record.runs}});
  if (record.runs > 0) json["success"] = rounded(record.success);
  if (record.cost_usd) json["cost_usd"] = rounded(*record.cost_usd);
  if (record.latency_s) json["latency_s"] = rounded(*record.latency_s);
  return json;
}

}  // namespace tutti::routing
