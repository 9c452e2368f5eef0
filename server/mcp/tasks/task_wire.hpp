// How tasks look on the wire: the extension of 2026-07-28 and the experimental form of 2025-11-25.
#pragma once

#include <string>
#include <string_view>

#include "server/mcp/revision.hpp"
#include "server/mcp/tasks/task.hpp"
#include "server/mcp/tool_result.hpp"

namespace tutti::mcp {

std::string randomTaskId();

/// The answer to a request that has become a task.
std::string createdTask(const Task& task, Revision revision, const ResultTail& tail);

/// What tasks/get answers: modern with what the task asks for, or how it ended.
std::string shownTask(const Task& task, Revision revision, const ResultTail& tail);

/// {"taskId",…} of 2025-11-25, without the braces.
std::string legacyTask(const Task& task);

/// `"io.modelcontextprotocol/related-task":{"taskId":…}`
std::string relatedTask(std::string_view id);

/// `object`, an object as JSON text, with relatedTask() in its `_meta`.
std::string withRelatedTask(std::string_view object, std::string_view id);

}  // namespace tutti::mcp
