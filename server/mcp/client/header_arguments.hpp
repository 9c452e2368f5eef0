// Arguments that a tool wants repeated in headers, from the client's side.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "server/json/json.hpp"
#include "server/mcp/header_parameters.hpp"

namespace tutti::mcp::client {

/// For CallOptions::header_params: the marked arguments that there are, as text. A value of another
/// type than declared is left to the server's own check.
std::vector<std::pair<std::string, std::string>> headerArguments(
    const std::vector<HeaderParameter>& parameters, const Json& arguments);

}  // namespace tutti::mcp::client
