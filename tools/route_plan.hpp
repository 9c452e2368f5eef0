// What a dispatched decision has still to do, as its row keeps it (StoredDecision::dispatch): the
// stages with their parts, and everything that starting these takes, so that any replica can go on
// from the row alone.
//
// Written once, when the request is dispatched; how far it has come is in the attempts. Who is
// started later is started as its blueprint was then: a change of the files meanwhile is for the
// requests that come after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/routing/decisions.hpp"

namespace tutti::tools {

inline constexpr std::size_t kStagesMax = 34;  ///< a workflow of 32 steps, with gates around it
inline constexpr std::size_t kPartsMax = 16;   ///< of one stage
/// Of all blueprints that one decision keeps, as text. Candidates beyond it are not kept.
inline constexpr std::size_t kBlueprintsBytesMax = 2U << 20;

/// One start: who, and with which part of the request.
struct RoutePart {
  std::string agent;
  std::string title;                ///< "research: nixos"; "" for one that does it all
  std::string told;                 ///< after the request, to the agent
  std::vector<std::string> others;  ///< who is tried before RoutePlan::others when it fails
};

/// Parts that run side by side. The next stage begins when all of them have ended.
struct RouteStage {
  enum class Kind {
    Work,      ///< one agent does what is asked
    Gate,      ///< looks at it before or after
    Step,      ///< of a workflow
    Research,  ///< goes on without a part that has failed, if another has succeeded
    Join,      ///< brings what was researched together
  };
  Kind kind = Kind::Work;
  std::vector<RoutePart> parts;
};

struct RoutePlan {
  std::vector<RouteStage> stages;
  std::vector<std::string> others;  ///< agents to try for a part that has failed, best first
  std::map<std::string, std::string, std::less<>> blueprints;  ///< snapshots, by name
  std::string task;                                            ///< request and context, uncut
  std::string project_dir, model, parent_session_id;
  std::string workflow;
  bool rollback = false;  ///< are finished steps to be undone when one fails?
};

/// JSON for StoredDecision::dispatch.
std::string toText(const RoutePlan& plan);
/// Of what toText() wrote; without stages for anything else.
RoutePlan planFrom(std::string_view text);
/// What stays when the decision has ended: the stages with their titles, for people.
std::string outlineOf(const RoutePlan& plan);

/// How many parts the stages have together.
std::size_t partCount(const RoutePlan& plan);
/// The part that an attempt is of; null for attempts of a plan without stages.
const RoutePart* partOf(const RoutePlan& plan, const routing::Attempt& attempt);
RouteStage::Kind kindOf(const RoutePlan& plan, const routing::Attempt& attempt);
/// The newest attempt of each part of a stage that was begun, by part.
std::map<std::int64_t, const routing::Attempt*> latestOf(
    const std::vector<routing::Attempt>& attempts, std::int64_t stage);

/// For people: what each stage consists of and how far it is, [] for a plan of one part. A part's
/// `state` is waiting, or its newest attempt's outcome.
Json stagesJson(const RoutePlan& plan, const std::vector<routing::Attempt>& attempts);

}  // namespace tutti::tools
