#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/runner/drivers/claude_records.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kGarbageShownMax = 500;
constexpr std::size_t kOpenToolsMax = 1'024;

const Json& memberOr(const Json& object, const char* key, const Json& otherwise) {
  const Json* found = json::find(object, key);
  return found != nullptr ? *found : otherwise;
}

void copyIfThere(const Json& from, const char* key, Json& to) {
  if (const Json* found = json::find(from, key)) to[key] = *found;
}

const Json kNothing;

ClaudeEvent picked(const char* type, const Json& record, std::initializer_list<const char*> keys) {
  ClaudeEvent event{type, Json::object()};
  for (const char* key : keys) copyIfThere(record, key, event.data);
  return event;
}

ClaudeEvent message(const char* role, Json content, const Json& record) {
  ClaudeEvent event{"message", Json::object()};
  event.data["role"] = role;
  event.data["content"] = std::move(content);
  copyIfThere(record, "parent_tool_use_id", event.data);
  copyIfThere(record, "error", event.data);
  return event;
}

Json textBlock(const Json& text) {
  Json block = Json::object();
  block["type"] = "text";
  block["text"] = text;
  return block;
}

ClaudeInit initOf(const Json& record) {
  ClaudeInit init;
  init.session_id = json::stringOr(record, "session_id", "");
  init.model = json::stringOr(record, "model", "");
  init.version = json::stringOr(record, "claude_code_version", "");
  init.cwd = json::stringOr(record, "cwd", "");
  init.mcp_servers = Json::array();
  for (const Json& server : memberOr(record, "mcp_servers", kNothing)) {
    if (!server.is_object()) continue;
    const std::string status = json::stringOr(server, "status", "");
    if (status == "connected" || status == "pending") continue;
    Json shown = Json::object();
    copyIfThere(server, "name", shown);
    copyIfThere(server, "status", shown);
    init.mcp_servers.push_back(std::move(shown));
  }
  return init;
}

ClaudeRequest requestOf(const Json& record) {
  const Json& body = memberOr(record, "request", kNothing);
  ClaudeRequest request;
  request.request_id = json::stringOr(record, "request_id", "");
  if (!body.is_object()) return request;
  request.subtype = json::stringOr(body, "subtype", "");
  request.tool_name = json::stringOr(body, "tool_name", "");
  request.tool_use_id = json::stringOr(body, "tool_use_id", "");
  request.input = memberOr(body, "input", kNothing);
  return request;
}

/// Content is a list of blocks, or a text for one block of text.
Json blocksOf(const Json& record) {
  const Json& body = memberOr(record, "message", kNothing);
  if (!body.is_object()) return Json::array();
  const Json& content = memberOr(body, "content", kNothing);
  if (content.is_array()) return content;
  Json blocks = Json::array();
  if (content.is_string()) blocks.push_back(textBlock(content));
  return blocks;
}

}  // namespace

ClaudeReading ClaudeReader::read(std::string_view line) {
  ClaudeReading reading;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return reading;
  json::ParseLimits limits;
  limits.bytes_max = line.size();
  Result<Json> parsed = json::parse(line, limits);
  if (!parsed.ok() || !parsed->is_object()) {
    ClaudeEvent garbage{"agent_output", Json::object()};
    garbage.data["text"] =
        shortened(toValidUtf8(line.substr(0, kGarbageShownMax * 4)), kGarbageShownMax);
    garbage.data["bytes"] = line.size();
    reading.events.push_back(std::move(garbage));
    return reading;
  }
  const Json& record = *parsed;
  const std::string type = json::stringOr(record, "type", "");
  if (type == "assistant") readAssistant(record, reading);
  if (type == "user") readUser(record, reading);
  if (type == "system") readSystem(record, reading);
  if (type == "rate_limit_event") {
    reading.events.push_back(
        picked("rate_limit", record, {"rate_limit_info", "utilization", "resetsAt"}));
  }
  if (type == "control_request") reading.request = requestOf(record);
  if (type == "control_cancel_request")
    reading.cancelled_request = json::stringOr(record, "request_id", "");
  if (type == "result") reading.result = std::move(parsed).value();
  return reading;
}

void ClaudeReader::readAssistant(const Json& record, ClaudeReading& reading) {
  Json texts = Json::array();
  std::vector<ClaudeEvent> calls;
  for (const Json& block : blocksOf(record)) {
    if (!block.is_object()) continue;
    const std::string type = json::stringOr(block, "type", "");
    if (type == "text") texts.push_back(textBlock(memberOr(block, "text", kNothing)));
    if (type == "thinking") {
      ClaudeEvent thought{"thinking", Json::object()};
      thought.data["text"] = json::stringOr(block, "thinking", "");
      reading.events.push_back(std::move(thought));
    }
    if (type != "tool_use") continue;
    ClaudeEvent call{"pre_tool", Json::object()};
    const std::string id = json::stringOr(block, "id", "");
    call.data["tool_name"] = json::stringOr(block, "name", "");
    call.data["tool_input"] = memberOr(block, "input", kNothing);
    call.data["tool_use_id"] = id;
    copyIfThere(record, "parent_tool_use_id", call.data);
    if (tools_.size() < kOpenToolsMax) tools_[id] = json::stringOr(block, "name", "");
    calls.push_back(std::move(call));
  }
  if (!texts.empty()) reading.events.push_back(message("assistant", std::move(texts), record));
  for (ClaudeEvent& call : calls) reading.events.push_back(std::move(call));
}

void ClaudeReader::readUser(const Json& record, ClaudeReading& reading) {
  if (json::booleanOr(record, "isReplay", false)) return;
  Json texts = Json::array();
  for (const Json& block : blocksOf(record)) {
    if (!block.is_object()) continue;
    const std::string type = json::stringOr(block, "type", "");
    if (type == "text") texts.push_back(textBlock(memberOr(block, "text", kNothing)));
    if (type != "tool_result") continue;
    ClaudeEvent done{"post_tool", Json::object()};
    const std::string id = json::stringOr(block, "tool_use_id", "");
    const auto tool = tools_.find(id);
    done.data["tool_name"] = tool != tools_.end() ? tool->second : "";
    if (tool != tools_.end()) tools_.erase(tool);
    done.data["tool_use_id"] = id;
    done.data["tool_output"] = memberOr(block, "content", kNothing);
    if (json::booleanOr(block, "is_error", false)) {
      done.data["is_error"] = true;
      if (block.contains("content")) done.data["error"] = block["content"];
    }
    copyIfThere(record, "parent_tool_use_id", done.data);
    reading.events.push_back(std::move(done));
  }
  if (texts.empty()) return;
  // Not from the person who asked: the agent says this to itself ("[Request interrupted by user]").
  ClaudeEvent said = message("user", std::move(texts), record);
  said.data["synthetic"] = true;
  reading.events.push_back(std::move(said));
}

void ClaudeReader::readSystem(const Json& record, ClaudeReading& reading) {
  const std::string subtype = json::stringOr(record, "subtype", "");
  if (subtype == "init") reading.init = initOf(record);
  if (subtype == "api_retry") {
    reading.events.push_back(
        picked("api_retry", record,
               {"attempt", "max_retries", "retry_delay_ms", "error_status", "error"}));
  }
  if (subtype == "compact_boundary") {
    reading.compacted = true;
    reading.events.push_back(picked("compacted", record, {"compact_metadata"}));
  }
  // Those that tell a reader something which no other record repeats.
  for (const char* told : {"permission_denied", "session_writes_lost", "worker_shutting_down",
                           "notification", "informational", "task_started", "task_notification"}) {
    if (subtype != told) continue;
    ClaudeEvent notice{"agent_notice", record};
    notice.data.erase("type");
    notice.data.erase("uuid");
    notice.data.erase("session_id");
    reading.events.push_back(std::move(notice));
  }
}

}  // namespace tutti::runner
