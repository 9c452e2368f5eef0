// The methods by name, and the eras in which each exists.
#pragma once

#include <memory>
#include <string_view>

#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {

/// Answers `request` at once, or moves it into `pending`, which answers later. `pending` is set
/// before any handler runs, so that whoever catches an exception knows whom to fail.
using MethodBody = void (*)(Server::Impl& server, Request& request,
                            std::shared_ptr<Pending>& pending);

struct Method {
  std::string_view name;
  bool legacy;
  bool modern;
  MethodBody body;
  bool takes_input = false;  ///< may ask the client for input before it answers
};

/// nullptr when the revision's era does not have the method, or we do not declare its capability.
const Method* findMethod(std::string_view name, Revision revision);

/// Runs the body of a request's method once more, after its client has answered what was asked.
void runAgain(Server::Impl& server, Request request);

/// tools/call, in tool_call.cpp.
void callTool(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);

}  // namespace tutti::mcp
