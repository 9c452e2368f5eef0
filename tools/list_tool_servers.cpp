#include "tools/list_tool_servers.hpp"

#include <nlohmann/json.hpp>

#include "server/toolhost/tool_host.hpp"

namespace tutti::tools {
namespace {

Json line(const toolhost::MountHealth& health, std::size_t stderr_lines) {
  Json entry = Json::object(
      {{"name", health.name},
       {"transport", health.kind == toolhost::MountSpec::Kind::Stdio ? "stdio" : "http"},
       {"status", std::string(toolhost::mountStateName(health.state))},
       {"tools", health.tools},
       {"prompts", health.prompts},
       {"resources", health.resources},
       {"resource_templates", health.templates},
       {"starts", health.starts},
       {"calls", Json::object({{"in_flight", health.in_flight},
                               {"ok", health.calls_ok},
                               {"failed", health.calls_failed}})}});
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) entry[key] = value;
  };
  add("problem", health.problem);
  add("note", health.note);
  add("revision", health.revision);
  add("server_name", health.server_name);
  add("server_version", health.server_version);
  if (health.pid > 0) entry["pid"] = health.pid;
  entry["shared"] = health.owner_pid > 0;
  if (health.owner_pid > 0) entry["owner_pid"] = health.owner_pid;
  if (health.retry_in_ms > 0) entry["retry_in_ms"] = health.retry_in_ms;
  if (!health.left_out.empty()) entry["left_out"] = health.left_out;
  if (stderr_lines == 0) return entry;
  const auto& lines = health.stderr_lines;
  const std::size_t skipped = lines.size() - std::min(lines.size(), stderr_lines);
  entry["stderr"] =
      std::vector<std::string>(lines.begin() + static_cast<std::ptrdiff_t>(skipped), lines.end());
  return entry;
}

}  // namespace

void ListToolServers::handle(const Context& context, const CallPtr& call) {
  const std::int64_t lines = json::integerOr(call->arguments(), "stderr_lines", 0);
  const std::string only = json::stringOr(call->arguments(), "name", "");
  Json servers = Json::array();
  if (context.tool_host != nullptr)
    for (const toolhost::MountHealth& health : context.tool_host->health())
      if (only.empty() || health.name == only)
        servers.push_back(line(health, static_cast<std::size_t>(lines)));
  call->finish(mcp::ToolOutput{Json::object({{"servers", std::move(servers)}}), {}});
}

}  // namespace tutti::tools
