// What becomes of dispatched decisions: success is learnt from, a failure that another agent could
// avoid starts the next one, the end of a stage starts the next stage, and what nobody can do is
// put to a person.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/mcp/timers.hpp"
#include "server/routing/decisions.hpp"
#include "tools/context.hpp"
#include "tools/route_dispatch.hpp"
#include "tools/route_progress.hpp"

namespace tutti::tools {

/// Follows the runs of decisions: those of its own process, and of processes that are gone. Each
/// replica has one; the store lets exactly one of them act on an attempt's end, in the transaction
/// that also starts the next: a process that is killed in between has done all of it or nothing.
/// What the store will not have started for now (a limit is reached) is kept as waiting and tried
/// again.
///
/// Runs on the I/O thread only.
class RouteFollower {
 public:
  struct Options {
    std::shared_ptr<mcp::Timers> timers;
    std::chrono::seconds start_wait_max{600};  ///< for what the store refuses for now; 0: none
  };
  RouteFollower(const Context& context, Options options);
  ~RouteFollower();

  /// There may be runs that have ended, or that nobody follows any more. Call after each commit,
  /// by whichever process, and when a replica is gone.
  void look();

 private:
  /// An ended attempt and what is needed to act on it.
  struct Ended {
    routing::Attempt attempt;
    routing::StoredDecision decision;
    RouteProgress progress;  ///< of the decision, with this attempt as it has ended
    std::string prompt;      ///< of its run
  };
  /// What is to be written.
  struct Settlement {
    std::vector<PreparedStart> next;
    routing::DecisionChange change{routing::DecisionStatus::Dispatched, "", "", ""};
    std::string event;  ///< route_fallback, route_part_ended or route_ended
  };

  /// Why the store would not start who was to be next.
  struct Refusal {
    std::string why;      ///< "" at first
    bool passes = false;  ///< may it be otherwise later?
  };
  struct Seen {
    std::vector<Ended> ended;
    std::int64_t retry_at_ms = 0;  ///< of the first decision that waits; 0 for none
  };

  /// `refused`: why not who was to be next; "" at first.
  void act(const std::shared_ptr<Ended>& ended, const std::string& refused);
  void written(const std::shared_ptr<Ended>& ended, const Result<bool>& settled,
               const Refusal& refusal);
  void refused(const std::shared_ptr<Ended>& ended, const Refusal& refusal);
  void lookAgainIn(std::int64_t pause_ms);
  void lookAgainAt(std::int64_t retry_at_ms);  ///< 0: not for what waits
  static Seen read(store::Connection& db, const std::string& owner);
  /// Whoever had the run goes on with its decision while it lives: the tutti inside of an agent
  /// sees less of the environment, and starts others with that.
  bool isOurs(const routing::Attempt& attempt) const;
  Settlement settle(const Ended& ended, const std::string& refused) const;
  Result<PreparedStart> nextCandidate(const Ended& ended) const;
  Result<std::vector<PreparedStart>> nextStage(const Ended& ended) const;
  /// False, and nothing is done, when the decision's attempts are not those that were read: look
  /// again. Errors: those of startAll(), in `refusal` too.
  static Result<bool> close(store::Tx& tx, const Ended& ended, const Settlement& settlement,
                            const agents::SessionLimits& limits, Refusal& refusal);

  const Context& context_;
  const Options options_;
  std::shared_ptr<void> timer_;
  bool busy_ = false;
  bool again_ = false;
  std::shared_ptr<RouteFollower*> self_;  ///< null once this has gone
};

}  // namespace tutti::tools
