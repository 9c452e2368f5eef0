// How a decision is told: one form for route_request and explain_route, and a text for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/routing/decisions.hpp"

namespace tutti::tools {

/// What was answered, and what has become of it since. Matches explain_route.output.json's
/// `decision`, and route_request.output.json.
Json decisionReport(const routing::StoredDecision& decision,
                    const std::vector<routing::Attempt>& attempts,
                    const std::vector<routing::Feedback>& feedback);
/// Of each part of a dispatched decision the report of its newest run, with the part's `title` and
/// `agent`, in order; runs that were deleted are left out. Long results are cut, and say so.
Json partResults(store::Connection& db, const routing::StoredDecision& decision,
                 const std::vector<routing::Attempt>& attempts);
/// One line of a list.
Json decisionLine(const routing::StoredDecision& decision);

/// What has become of the decision that started this run, for whoever waits for the run: null when
/// it was not started by one.
Json routeOfRun(store::Connection& db, std::string_view run_id);

/// A report, or the answer of route_request, as a person wants to read it.
std::string decisionText(const Json& report);
/// A list of explain_route's.
std::string decisionsText(const Json& answer);

}  // namespace tutti::tools
