#include "server/runner/launch.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/process/search_path.hpp>
#include <nlohmann/json.hpp>

#include "server/base/ids.hpp"
#include "server/runner/prompt.hpp"

namespace tutti::runner {
namespace fs = std::filesystem;

namespace {
// What any program needs to work and no secret is in.
constexpr std::array<std::string_view, 24> kAllowedNames = {"PATH",
                                                            "HOME",
                                                            "USER",
                                                            "LOGNAME",
                                                            "SHELL",
                                                            "LANG",
                                                            "LANGUAGE",
                                                            "TERM",
                                                            "TMPDIR",
                                                            "TZ",
                                                            "XDG_CONFIG_HOME",
                                                            "XDG_DATA_HOME",
                                                            "XDG_STATE_HOME",
                                                            "XDG_CACHE_HOME",
                                                            "XDG_RUNTIME_DIR",
                                                            "HTTP_PROXY",
                                                            "HTTPS_PROXY",
                                                            "NO_PROXY",
                                                            "http_proxy",
                                                            "https_proxy",
                                                            "no_proxy",
                                                            "SSL_CERT_FILE",
                                                            "SSL_CERT_DIR",
                                                            "NODE_EXTRA_CA_CERTS"};
constexpr std::array<std::string_view, 1> kAllowedPrefixes = {"LC_"};

// Claude Code's own settings and credentials: its process, and no other driver's, sees them.
constexpr std::array<std::string_view, 2> kClaudePrefixes = {"ANTHROPIC_", "CLAUDE_"};
constexpr std::array<std::string_view, 5> kClaudeNames = {
    "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING", "DISABLE_AUTOUPDATER", "IS_SANDBOX",
    "MAX_MCP_OUTPUT_TOKENS"};
// Marks of a Claude Code that is our ancestor; a child that saw them would take itself for nested.
constexpr std::array<std::string_view, 9> kClaudeMarks = {
    "CLAUDE_CODE_SESSION_ID",      "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",        "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_PROJECT_DIR",          "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN", "CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS",
    "CLAUDE_CODE_CHILD_NOTES_DIR"};
constexpr std::array<std::string_view, 2> kCloudPrefixes = {"AWS_", "GOOGLE_"};

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

template <class List>
bool startsWithAny(const List& prefixes, std::string_view name) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool mayClaudeSee(std::string_view name, bool uses_cloud) {
  if (contains(kClaudeMarks, name)) return false;
  if (startsWithAny(kClaudePrefixes, name) || contains(kClaudeNames, name)) return true;
  return uses_cloud && startsWithAny(kCloudPrefixes, name);
}

Error notInstalled(const std::string& program, const std::string& hint) {
  return Error(Code::FailedPrecondition, "agent program '" + program + "' is not installed", hint)
      .named("agent_not_installed");
}

Json ownToolsEntry(const agents::Session& session, const LaunchContext& context) {
  Json arguments = Json::array({"stdio", "--data", context.store_folder.string()});
  for (const std::string& argument : context.stdio_arguments) arguments.push_back(argument);
  Json environment = Json::object({{"TUTTI_SESSION_ID", session.session_id}});
  return Json::object({{"command", context.program.string()},
                       {"args", std::move(arguments)},
                       {"env", std::move(environment)}});
}

Json mcpServers(const agents::Blueprint& blueprint, const agents::Session& session,
                const LaunchContext& context) {
  Json servers = blueprint.mcp_servers.is_object() ? blueprint.mcp_servers : Json::object();
  if (blueprint.tutti_tools) servers["tutti"] = ownToolsEntry(session, context);
  return servers;
}

/// Our own entry in `mcpServers` is part of the product: its tools need no further permission,
/// except where the blueprint names which of them it wants.
std::vector<std::string> allowedTools(const agents::Blueprint& blueprint) {
  std::vector<std::string> allowed = blueprint.allowed_tools;
  const bool named = std::any_of(allowed.begin(), allowed.end(), [](const std::string& tool) {
    return tool.starts_with("mcp__tutti");
  });
  if (blueprint.tutti_tools && !named) allowed.push_back("mcp__tutti");
  return allowed;
}
}  // namespace

Environment currentEnvironment() {
  Environment all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    all.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return all;
}

std::string findProgram(const std::string& name, const Environment& environment) {
  if (name.find('/') != std::string::npos)
    return ::access(name.c_str(), X_OK) == 0 ? fs::absolute(name).string() : std::string();
  const auto path = environment.find("PATH");
  std::vector<boost::filesystem::path> folders;
  std::string_view rest = "/usr/local/bin:/usr/bin:/bin";
  if (path != environment.end()) rest = path->second;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    if (colon != 0) folders.emplace_back(std::string(rest.substr(0, colon)));
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
  }
  return boost::process::search_path(name, folders).string();
}

Result<std::vector<std::string>> resolveCommand(const agents::Blueprint& blueprint,
                                                const LaunchContext& context) {
  if (blueprint.driver == "claude") {
    std::string program = findProgram(context.claude_command, context.environment);
    if (program.empty())
      return notInstalled(context.claude_command,
                          "install Claude Code (npm install -g @anthropic-ai/claude-code), or name "
                          "its program with --claude or TUTTI_CLAUDE");
    return std::vector<std::string>{std::move(program)};
  }
  if (blueprint.command.empty())
    return Error(Code::InvalidArgument, "blueprint '" + blueprint.name + "' has no command",
                 "give its agent.json a \"command\" or a \"script\"")
        .named("bad_blueprint");
  std::vector<std::string> command = blueprint.command;
  if (command[0] == "tutti") {
    command[0] = context.program.string();
    return command;
  }
  const bool is_path = command[0].find('/') != std::string::npos;
  const std::string wanted = is_path && command[0][0] != '/'
                                 ? (fs::path(blueprint.folder) / command[0]).string()
                                 : command[0];
  std::string program = findProgram(wanted, context.environment);
  if (program.empty())
    return notInstalled(wanted, "install it or correct \"command\" in " + blueprint.source);
  command[0] = std::move(program);
  return command;
}

Environment agentEnvironment(const agents::Blueprint& blueprint, const agents::Session& session,
                             std::int64_t generation, const LaunchContext& context) {
  const Environment& all = context.environment;
  const bool is_claude = blueprint.driver == "claude";
  const bool uses_cloud =
      all.contains("CLAUDE_CODE_USE_BEDROCK") || all.contains("CLAUDE_CODE_USE_VERTEX");
  Environment allowed;
  for (const auto& [name, value] : all) {
    const bool common = contains(kAllowedNames, name) || startsWithAny(kAllowedPrefixes, name);
    if (common || contains(blueprint.env, name) || (is_claude && mayClaudeSee(name, uses_cloud)))
      allowed[name] = value;
  }
  allowed["TUTTI_SESSION_ID"] = session.session_id;
  allowed["TUTTI_GENERATION"] = std::to_string(generation);
  allowed["TUTTI_DATA"] = context.store_folder.string();
  return allowed;
}

Result<HostSpec> makeHostSpec(const agents::Session& session, std::int64_t generation,
                              const Json& parameters, const LaunchContext& context) {
  Result<Json> snapshot = json::parse(session.blueprint);
  if (!snapshot.ok()) return std::move(snapshot).error();
  Result<agents::Blueprint> parsed = agents::blueprintFromJson(*snapshot);
  if (!parsed.ok()) return std::move(parsed).error();
  const agents::Blueprint& blueprint = *parsed;
  Result<std::vector<std::string>> command = resolveCommand(blueprint, context);
  if (!command.ok()) return std::move(command).error();

  HostSpec spec;
  spec.session_id = session.session_id;
  spec.generation = generation;
  spec.driver = blueprint.driver;
  spec.command = std::move(*command);
  spec.project_dir = session.project_dir;
  spec.environment = agentEnvironment(blueprint, session, generation, context);
  spec.output_schema = blueprint.output_schema;
  spec.system_prompt = fillPlaceholders(blueprint.system_prompt, parameters, session.session_id);
  spec.system_prompt_mode = blueprint.system_prompt_mode;
  if (blueprint.driver == "claude") spec.mcp_servers = mcpServers(blueprint, session, context);
  spec.model = session.model.empty() ? blueprint.model : session.model;
  spec.permission_mode = blueprint.permission_mode;
  spec.allowed_tools = allowedTools(blueprint);
  spec.disallowed_tools = blueprint.disallowed_tools;
  spec.tools = blueprint.tools;
  spec.add_dirs = blueprint.add_dirs;
  spec.setting_sources = blueprint.setting_sources;
  spec.max_budget_usd = blueprint.max_budget_usd;
  spec.max_turns = blueprint.max_turns;
  spec.executor_session_id = session.executor_session_id;
  spec.new_executor_session_id = newUuid();
  spec.permission_timeout_ms = blueprint.permission_timeout_s * 1000;
  spec.idle_max_ms = blueprint.idle_max_s * 1000;
  return spec;
}

RunSpec makeRunSpec(const agents::Run& run, const agents::Blueprint& blueprint) {
  RunSpec spec;
  spec.run_id = run.run_id;
  spec.session_id = run.session_id;
  spec.generation = run.generation;
  Result<Json> parameters = json::parse(run.parameters);
  spec.parameters = parameters.ok() ? std::move(*parameters) : Json(Json::object());
  if (blueprint.driver != "process") spec.prompt = formatPrompt(spec.parameters);
  spec.timeout_ms = blueprint.timeout_s * 1000;
  if (spec.timeout_ms == 0 && blueprint.driver == "process") spec.timeout_ms = 300'000;  // AOF's
  return spec;
}

std::string fillPlaceholders(std::string_view text, const Json& parameters,
                             std::string_view session_id) {
  std::string filled;
  for (;;) {
    const std::size_t open = text.find("${");
    const std::size_t close = open == text.npos ? text.npos : text.find('}', open);
    if (close == text.npos) break;
    const std::string_view name = text.substr(open + 2, close - open - 2);
    filled.append(text.substr(0, open));
    const Json* parameter =
        name.starts_with("params.") ? json::find(parameters, name.substr(7)) : nullptr;
    if (parameter != nullptr) {
      filled += parameter->is_string() ? parameter->get<std::string>() : json::dump(*parameter);
    } else if (name == "runtime.session_id") {
      filled.append(session_id);
    } else {
      filled.append(text.substr(open, close - open + 1));
    }
    text.remove_prefix(close + 1);
  }
  return filled.append(text);
}

}  // namespace tutti::runner
