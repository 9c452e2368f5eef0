// How far a dispatched decision is, and what may follow: told by its plan and its attempts alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/decisions.hpp"
#include "tools/route_dispatch.hpp"
#include "tools/route_plan.hpp"

namespace tutti::tools {

/// Why another agent could do what this one did not, as in "is not installed"; "" when a run that
/// ended with this error_name would end so with others too.
std::string_view avoidableBecause(std::string_view error_name);

/// Did the attempt fail in a way that another agent could avoid?
bool isAvoidable(const routing::Attempt& attempt);

/// What a person can do about an attempt that did not end well.
std::string hintFor(const routing::Attempt& attempt);

/// A decision's plan with its attempts, oldest first, and what these have brought.
struct RouteProgress {
  RoutePlan plan;
  std::vector<routing::Attempt> attempts;
  std::vector<routing::AttemptResult> results;

  /// "step 2 of 4: scan_all_hosts (scanner)", or the agent alone where there is one part.
  std::string whoOf(const routing::Attempt& attempt) const;
  /// What went wrong with it, for people; "" when it ended well.
  std::string problemOf(const routing::Attempt& attempt) const;
  /// What the workflow asks for when a step has failed; "" when it asks for nothing.
  std::string rollbackHint() const;

  bool isOpen(std::int64_t stage) const;
  /// May the next stage begin after this one, which is over? All its parts have ended well; of
  /// researchers one is enough.
  bool goesOn(std::int64_t stage) const;
  /// The decision's status when nothing follows after `last_stage`. What failed among researchers
  /// is in the coordinator's answer; without one it is not covered up by the others' success.
  routing::DecisionStatus statusAfter(std::int64_t last_stage) const;

  /// Who may take the part at that stage and place when its agent cannot, best first. Nobody for a
  /// gate: its rule names who has to look. Not who has been tried for it, nor who has failed at
  /// another part of the request.
  std::vector<std::string> candidatesFor(const routing::Attempt& place) const;
  /// Of the attempts beyond one for each part, which all parts share, is there one left?
  bool mayTryAnother(std::int64_t attempts_max) const;

  /// What the parts of the first `stages` stages hand over, in their order.
  std::vector<PartResult> handedOver(std::int64_t stages) const;

  /// Does a run's end say whom the whole request is for? A crash does not; that counts in the
  /// agent's record. Nor does the end of a part of it, nor the success of who came in for another
  /// whose failure does not tell whether the request was for that one.
  bool saysWhoFits(const routing::Attempt& attempt) const;
};

}  // namespace tutti::tools
