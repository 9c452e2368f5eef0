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

/// Is the capability there that the method belongs to?
using Offered = bool (*)(const Server::Impl& server);

struct Method {
  std::string_view name;
  bool legacy;
  bool modern;
  MethodBody body;
  bool takes_input = false;   ///< may ask the client for input before it answers
  Offered offered = nullptr;  ///< null: always
};

/// nullptr when the revision's era does not have the method, or we do not declare its capability.
const Method* findMethod(const Server::Impl& server, std::string_view name, Revision revision);

/// Runs the body of a request's method once more, after its client has answered what was asked.
void runAgain(Server::Impl& server, Request request);

// The bodies, each in the file that is named for it: tool_call.cpp, list.cpp, prompt_get.cpp,
// resource_read.cpp, subscribe.cpp, complete.cpp, listen.cpp, skills.cpp; the short ones in methods.cpp.
void callTool(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listTools(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listPrompts(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listResources(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listTemplates(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void getPrompt(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void readResource(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listSkills(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void getSkill(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void readDirectory(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void complete(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void subscribe(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void unsubscribe(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listen(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);

/// A parameter that must be a string, or nullptr.
const std::string* stringParameter(const Request& request, std::string_view key);

}  // namespace tutti::mcp
