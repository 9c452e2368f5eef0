// `tutti route`: what people ask of the routing engine on the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/cli/commands.hpp"

namespace tutti::cli {

/// Files of lines {"text", "label"}. Either `file` alone, which is cross-validated, or `train` and
/// `test`, with `validation` for what is tuned.
struct RouteEvalRequest {
  std::string file;
  std::string train;
  std::string validation;
  std::string test;
  Format format = Format::People;
};

/// `tutti route eval`: accuracy, out-of-scope recall, calibration, confusions and speed on stdout,
/// where routing uses an embeddings server with and without it. The exit status is 2 for a file
/// that cannot be used.
int runRouteEval(const Settings& settings, const RouteEvalRequest& request);

/// What `tutti route "…"` was asked.
struct RouteAskRequest {
  std::string request;
  std::string context;
  std::vector<std::string> candidates;
  bool dispatch = false;
  bool dry_run = false;
  std::optional<bool> ask_agent;
  std::string project_dir;
  Format format = Format::People;
};
/// `tutti route`: the decision, as a person wants to read it or as route_request gives it.
int runRoute(const Settings& settings, const RouteAskRequest& request);

struct RouteExplainRequest {
  std::string decision_id;  ///< "": the newest decisions
  Format format = Format::People;
};
int runRouteExplain(const Settings& settings, const RouteExplainRequest& request);

struct RouteFeedbackRequest {
  std::string decision_id;
  std::string outcome;  ///< right or wrong
  std::string better;
  Format format = Format::People;
};
int runRouteFeedback(const Settings& settings, const RouteFeedbackRequest& request);

}  // namespace tutti::cli
