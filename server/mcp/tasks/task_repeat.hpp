// What a task keeps of the request that made it, so that another process can run it again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/json/json.hpp"
#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {

/// A tools/call whose arguments have been taken out of it, as Task::request.
std::string repeatText(const Request& request, const Json& arguments);

/// The request that repeatText() was made of, without an exchange. A legacy one gets a peer of its
/// own, with what its client has declared. Nothing when the text is not of that form, as that of a
/// task that cannot be repeated.
std::optional<Request> repeatedRequest(const Server::Impl& server, std::string_view text);

}  // namespace tutti::mcp
