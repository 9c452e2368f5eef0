// `tutti route`: what people ask of the routing engine on the command line.
#pragma once

#include <string>

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

/// `tutti route eval`: accuracy, out-of-scope recall, calibration, confusions and speed on stdout.
/// The exit status is 2 for a file that cannot be used.
int runRouteEval(const RouteEvalRequest& request);

}  // namespace tutti::cli
