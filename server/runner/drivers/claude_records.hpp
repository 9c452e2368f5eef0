// What Claude Code's stdout records mean, as pure functions: records in, events and a result out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/runner/drivers/driver.hpp"

namespace tutti::runner {

struct ClaudeEvent {
  std::string type;
  Json data;
};

/// system/init: printed at the start of every turn.
struct ClaudeInit {
  std::string session_id;
  std::string model;
  std::string version;
  std::string cwd;
  Json mcp_servers;  ///< those that failed: [{name, status}]
};

/// A request of the agent that wants an answer.
struct ClaudeRequest {
  std::string request_id;
  std::string subtype;  ///< "can_use_tool", "hook_callback", …
  std::string tool_name;
  std::string tool_use_id;
  Json input;
};

/// Everything that one line says.
struct ClaudeReading {
  std::vector<ClaudeEvent> events;
  std::optional<ClaudeInit> init;
  std::optional<ClaudeRequest> request;
  std::string cancelled_request;  ///< a request_id that needs no answer any more
  Json result;                    ///< the whole record of type "result", else null
  bool compacted = false;         ///< the conversation was shortened
};

/// Reads records one after the other; remembers only which tool a tool_use_id belongs to.
class ClaudeReader {
 public:
  /// A line that is not a JSON object becomes an event "agent_output", shortened.
  ClaudeReading read(std::string_view line);

 private:
  void readAssistant(const Json& record, ClaudeReading& reading);
  void readUser(const Json& record, ClaudeReading& reading);
  void readSystem(const Json& record, ClaudeReading& reading);

  std::map<std::string, std::string> tools_;  ///< tool_use_id -> name, of calls without a result
};

/// A run's outcome from its `result` record: never from an exit code. Checks the structured output
/// against `output_schema` unless that is null. `interrupted`: an interrupt was asked for in this
/// turn.
RunOutcome outcomeFromResult(const Json& record, const Json& output_schema, bool interrupted);

/// Does this result say that the conversation to resume does not exist?
bool isUnknownConversation(const Json& result);

}  // namespace tutti::runner
