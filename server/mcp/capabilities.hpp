// What the server says that it can do.
#pragma once

#include <string>

#include "server/mcp/revision.hpp"
#include "server/mcp/server.hpp"

namespace tutti::mcp {

/// A ServerCapabilities object, as declared by what has been registered so far.
std::string capabilitiesJson(const Server::Impl& server, Revision revision);

}  // namespace tutti::mcp
