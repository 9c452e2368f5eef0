// Which agents can take work now, how they have done so far, and whom of equals to take.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/routing/strategy.hpp"
#include "server/store/connection.hpp"

namespace tutti::routing {

inline constexpr std::int64_t kRunsLookedAtMax = 500;  ///< the newest ended ones, of all agents
inline constexpr std::int64_t kRunningMax = 16;        ///< unfinished runs of one agent
/// Scores that are no further apart are equal: load and past decide.
inline constexpr double kEqualMargin = 0.05;

/// How an agent's runs went. Each counts half as much as the one that came twenty runs of that
/// agent after it; before any there is a prior.
struct AgentRecord {
  std::int64_t running = 0;  ///< unfinished runs
  std::int64_t runs = 0;     ///< ended ones that were looked at
  double success = 0.5;      ///< share, decayed, with the prior
  std::optional<double> cost_usd;
  std::optional<double> latency_s;
  bool operator==(const AgentRecord&) const = default;
};
using AgentRecords = std::map<std::string, AgentRecord, std::less<>>;

/// Reads the records, and of each ended run once what it says: later reads find by an index which
/// runs are new. Runs that were deleted are forgotten. Stopped runs say nothing about an agent and
/// are passed over. Runs on one thread at a time.
class RecordReader {
 public:
  AgentRecords read(store::Connection& db);

 private:
  struct EndedRun {
    std::string agent;
    bool completed = false;
    std::optional<double> cost_usd;
    std::optional<double> latency_s;
  };
  static EndedRun readRun(store::Connection& db, std::int64_t run_seq);
  /// Newest first, at most kRunsLookedAtMax.
  std::map<std::int64_t, EndedRun, std::greater<>> ended_;
};

/// What the asker demands of agents.
struct Constraints {
  std::vector<std::string> exclude;    ///< names
  std::vector<std::string> tags;       ///< all of them
  std::vector<std::string> drivers;    ///< one of them
  std::vector<std::string> packs;      ///< one of them
  std::optional<double> max_cost_usd;  ///< what its runs have cost on average, and its budget
  std::int64_t running_max = kRunningMax;
};
/// Errors: InvalidArgument for a member that is of the wrong type.
Result<Constraints> constraintsFrom(const Json& object);
/// Canonical: for keys of caches.
std::string keyOf(const Constraints& constraints);

/// Why an agent's program cannot be started here; "" when it can.
using ProgramCheck = std::function<std::string(const agents::Blueprint&)>;

/// Names and reasons of agents that may not be chosen.
using PassedOver = std::map<std::string, std::string, std::less<>>;

/// Those that are inactive or whose program is not there. `check` is asked once for each program,
/// not for each agent.
PassedOver unstartable(const std::vector<agents::Blueprint>& blueprints, const ProgramCheck& check);

/// Why `blueprint` may not be chosen by its record and the constraints; "" when it may.
std::string refusedFor(const agents::Blueprint& blueprint, const AgentRecord& record,
                       const Constraints& constraints);

/// Of the first's score: twins below it are not meant.
inline constexpr double kTwinShare = 0.4;
/// Makes the first candidate and its twins, those of its group that are about as likely, as one:
/// they stand first, and each has the score of all. Returns the twins' names.
std::vector<std::string> joinTwins(std::vector<RankedAgent>& candidates, const TwinGroups& groups);

/// What a choice among equals was made by.
struct Spread {
  std::vector<RankedAgent> candidates;        ///< the same, the best of the equals first
  std::map<std::string, std::string> passed;  ///< equals that were not taken, and why not
};
/// Among the candidates (best first) whose score is within kEqualMargin of the first: the one that
/// does best by success, load, cost and latency. The others follow in the order they had.
Spread spread(std::vector<RankedAgent> candidates, const AgentRecords& records);

Json toJson(const AgentRecord& record);

}  // namespace tutti::routing
