// What a tool is to the protocol layer: a description that is served, and a handler that is called.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>  // ToolOutput holds a value
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/mcp/content.hpp"
#include "server/mcp/icon.hpp"
#include "server/mcp/request_context.hpp"

namespace tutti::mcp {

/// Hints of MCP's ToolAnnotations. They must be true: clients decide on them whether to ask a
/// person.
struct ToolAnnotations {
  bool read_only = false;
  bool destructive = false;
  bool idempotent = false;
  bool open_world = false;
};

/// Whether calls may become tasks. Required: clients without tasks cannot call it.
enum class TaskSupport { Forbidden, Optional, Required };

/// How a task is offered.
struct TaskOptions {
  std::int64_t ttl_ms = 300'000;
  std::int64_t poll_ms = 1'000;
  /// Should this process die, another one that has the store may run the call again, with the same
  /// arguments; else the task fails as process_lost.
  bool repeatable = false;
};

/// One entry of tools/list. The schemas are JSON texts and are served byte for byte.
struct Tool {
  std::string name;  ///< 1 to 128 of [A-Za-z0-9_.-]
  std::string title;
  std::string description;
  std::string input_schema;   ///< root type object
  std::string output_schema;  ///< may be empty; then no structured content is promised
  ToolAnnotations annotations;
  TaskSupport task_support = TaskSupport::Forbidden;
  /// Of calls that a client of 2025-11-25 asks to be tasks. It may wish for a time to live of its
  /// own, up to ServerOptions::task_ttl_max_ms.
  TaskOptions task_options = {};
  std::string meta = {};  ///< `_meta`, a JSON object as text; may be empty
  /// Serve an input schema that does not compile, and let arguments pass as they are: for tools
  /// that are passed on from elsewhere.
  bool unchecked_input = false;
  std::vector<Icon> icons = {};
};

/// What a finished call gives back. `structured` must match the tool's output schema; the text
/// rendering is made from it when `text` and `content` are empty.
struct ToolOutput {
  Json structured;
  std::string text;
  std::vector<Content> content = {};  ///< blocks beside or instead of `text`
  bool is_error = false;  ///< the tool failed and says so in its own words; no schema applies
};

/// One tools/call under way. Arguments have passed the input schema.
class ToolCall : public RequestContext {
 public:
  virtual const Json& arguments() const = 0;

  /// Makes the call a task, if the client takes tasks (clientCan(Tasks)) and the tool has
  /// task_support: it is answered at once with the task's handle, and the handler goes on as
  /// before. progress() then sets the status message, needInput() asks through the task, finish()
  /// ends it, and cancelled() says that the client has cancelled it. False, and nothing has
  /// happened, when it cannot be a task; true again when it is one. A call of 2025-11-25 that asks
  /// to be a task is one before the handler runs.
  virtual bool detach(const TaskOptions& options) = 0;
  /// Empty while it is no task. Never used for another task.
  virtual std::string_view taskId() const = 0;
  /// Has a process that ran this call before died? Only for tasks that are repeatable.
  virtual bool repeated() const = 0;

  /// Ends the call, exactly once; later ones are ignored. An Error becomes a result with isError,
  /// its structured content {error:{code,name,message,hint,details}} and a text for the model.
  virtual void finish(Result<ToolOutput> result) = 0;
};

using ToolHandler = std::function<void(std::shared_ptr<ToolCall>)>;

}  // namespace tutti::mcp
