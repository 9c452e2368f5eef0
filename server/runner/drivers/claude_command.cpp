#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/runner/drivers/claude_command.hpp"

namespace tutti::runner {
namespace {

/// The kernel refuses a single argument of 128 KiB; below this it may stay one.
constexpr std::size_t kArgumentBytesMax = 65'536;
/// Nobody is there to answer it, and it would wait.
constexpr char kNeverTool[] = "AskUserQuestion";

using Words = std::vector<std::string>;

void add(Words& words, const char* flag, std::string value) {
  words.emplace_back(flag);
  words.push_back(std::move(value));
}

void addList(Words& words, const char* flag, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  if (!values.empty()) add(words, flag, text);
}

/// Digits as a person would write them: 0.5, not 0.500000.
std::string numberText(double value) {
  return json::dump(Json(value));
}

Status addSystemPrompt(Words& words, const HostSpec& spec, const std::filesystem::path& folder) {
  if (spec.system_prompt.empty()) return ok();
  const bool replace = spec.system_prompt_mode == "replace";
  if (spec.system_prompt.size() <= kArgumentBytesMax) {
    add(words, replace ? "--system-prompt" : "--append-system-prompt", spec.system_prompt);
    return ok();
  }
  const auto file = folder / "system-prompt.md";
  if (Status written = replaceFile(file, spec.system_prompt); !written.ok()) return written;
  add(words, replace ? "--system-prompt-file" : "--append-system-prompt-file", file.string());
  return ok();
}

Status addMcpServers(Words& words, const HostSpec& spec, const std::filesystem::path& folder) {
  words.emplace_back("--strict-mcp-config");
  if (!spec.mcp_servers.is_object() || spec.mcp_servers.empty()) return ok();
  Json config = Json::object();
  config["mcpServers"] = spec.mcp_servers;
  const auto file = folder / kMcpConfigFile;
  if (Status written = replaceFile(file, json::dump(config)); !written.ok()) return written;
  add(words, "--mcp-config", file.string());
  return ok();
}

std::string line(const Json& record) {
  return json::dump(record) + "\n";
}

Json controlResponse(std::string_view subtype, std::string_view request_id) {
  Json record = Json::object();
  record["type"] = "control_response";
  record["response"] = Json::object();
  record["response"]["subtype"] = subtype;
  record["response"]["request_id"] = request_id;
  return record;
}

}  // namespace

Result<Words> claudeArguments(const HostSpec& spec, const ClaudeStart& start,
                              const std::filesystem::path& folder) {
  Words words = spec.command;
  for (const char* word : {"-p", "--input-format", "stream-json", "--output-format", "stream-json",
                           "--verbose", "--permission-prompt-tool", "stdio"})
    words.emplace_back(word);
  add(words, start.kind == ClaudeStart::Kind::Resume ? "--resume" : "--session-id",
      start.session_id);
  if (!spec.model.empty()) add(words, "--model", spec.model);
  if (!spec.permission_mode.empty()) add(words, "--permission-mode", spec.permission_mode);
  addList(words, "--allowedTools", spec.allowed_tools);
  std::vector<std::string> disallowed = spec.disallowed_tools;
  disallowed.emplace_back(kNeverTool);
  addList(words, "--disallowedTools", disallowed);
  addList(words, "--tools", spec.tools);
  for (const std::string& folder_name : spec.add_dirs) add(words, "--add-dir", folder_name);
  if (!spec.setting_sources.empty()) add(words, "--setting-sources", spec.setting_sources);
  if (spec.max_budget_usd) add(words, "--max-budget-usd", numberText(*spec.max_budget_usd));
  if (spec.max_turns) add(words, "--max-turns", std::to_string(*spec.max_turns));
  if (!spec.output_schema.is_null()) add(words, "--json-schema", json::dump(spec.output_schema));
  if (Status added = addSystemPrompt(words, spec, folder); !added.ok()) return added.error();
  if (Status added = addMcpServers(words, spec, folder); !added.ok()) return added.error();
  return words;
}

std::string userRecord(std::string_view prompt) {
  Json block = Json::object();
  block["type"] = "text";
  block["text"] = prompt;
  Json message = Json::object();
  message["role"] = "user";
  message["content"] = Json::array();
  message["content"].push_back(std::move(block));
  Json record = Json::object();
  record["type"] = "user";
  record["message"] = std::move(message);
  record["parent_tool_use_id"] = nullptr;
  record["client_composed"] = true;
  return line(record);
}

std::string interruptRecord(std::string_view request_id) {
  Json record = Json::object();
  record["type"] = "control_request";
  record["request_id"] = request_id;
  record["request"] = Json::object();
  record["request"]["subtype"] = "interrupt";
  return line(record);
}

std::string allowRecord(std::string_view request_id, const Json& input) {
  Json record = controlResponse("success", request_id);
  record["response"]["response"] = Json::object();
  record["response"]["response"]["behavior"] = "allow";
  record["response"]["response"]["updatedInput"] = input;
  return line(record);
}

std::string denyRecord(std::string_view request_id, std::string_view message) {
  Json record = controlResponse("success", request_id);
  record["response"]["response"] = Json::object();
  record["response"]["response"]["behavior"] = "deny";
  record["response"]["response"]["message"] = message;
  return line(record);
}

std::string refusalRecord(std::string_view request_id, std::string_view why) {
  Json record = controlResponse("error", request_id);
  record["response"]["error"] = why;
  return line(record);
}

}  // namespace tutti::runner
