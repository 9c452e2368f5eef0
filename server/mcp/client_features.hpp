// What a client has declared that it can do, looked up by feature.
#pragma once

#include <string>
#include <vector>

#include "server/json/json.hpp"
#include "server/mcp/request_context.hpp"
#include "server/mcp/revision.hpp"

namespace tutti::mcp {

/// Does `capabilities`, a ClientCapabilities object of that revision or null, declare the feature?
/// False for one that the revision does not have.
bool declares(const Json& capabilities, ClientFeature feature, Revision revision);

/// The ClientCapabilities object that declares `features` and nothing else, as JSON text.
std::string capabilitiesFor(const std::vector<ClientFeature>& features);

}  // namespace tutti::mcp
