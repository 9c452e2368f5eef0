// The methods of tasks: tasks/get and tasks/cancel in both forms, tasks/update in the extension,
// tasks/result and tasks/list in the experimental form of 2025-11-25.
#pragma once

#include <memory>

#include "server/mcp/server_impl.hpp"

namespace tutti::mcp {

void getTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void updateTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void cancelTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void awaitTask(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);
void listTasks(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending);

/// The task that a request names. Answers the request itself, and gives nothing, when there are no
/// tasks in its revision, when its client has not declared them, or when it names none.
std::optional<std::string> namedTask(const Server::Impl& server, const Request& request);

}  // namespace tutti::mcp
