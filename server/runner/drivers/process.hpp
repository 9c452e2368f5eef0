// Driver "process": any program as an agent. Parameters become arguments, stdout becomes the
// result.
#pragma once

#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::runner {

/// AOF's rules: string or number `--key value`, true `--key`, false nothing, list `--key a,b`; and
/// ours where AOF has none: an object as JSON text, null nothing, a list's objects and lists as
/// JSON text. In order of the keys.
std::vector<std::string> argumentsOf(const Json& parameters);

/// Can the system pass these on as arguments? Errors: InvalidArgument "arguments_too_long", for one
/// that is longer than the kernel takes, and "argument_has_nul", for one that it would cut.
Status checkArguments(const Json& parameters);

}  // namespace tutti::runner
