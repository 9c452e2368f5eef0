#include "tests/fakes/claude/session.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

namespace fake_claude {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModel = "claude-opus-5-5";

std::string projectName() {
  std::string name = fs::current_path().string();
  for (char& c : name)
    if (c == '/' || c == '.') c = '-';
  return name;
}

Json serversOf(const Options& options) {
  Json servers = Json::array();
  const Json config = Json::parse(mcpConfig(options), nullptr, false);
  if (!config.is_object() || !config.contains("mcpServers")) return servers;
  for (const auto& [name, entry] : config["mcpServers"].items())
    servers.push_back(
        Json::object({{"name", name}, {"status", "connected"}, {"source", "dynamic"}}));
  return servers;
}

std::string modelOf(const Options& options) {
  return options.has("model") ? options.get("model") : kModel;
}

Json usage(int calls) {
  return Json::object({{"input_tokens", 100 * calls},
                       {"output_tokens", 20 * calls},
                       {"cache_creation_input_tokens", 0},
                       {"cache_read_input_tokens", 0}});
}

Json modelUsage(const std::string& model, int calls, double cost_usd) {
  Json used = Json::object({{"inputTokens", 100 * calls},
                            {"outputTokens", 20 * calls},
                            {"cacheReadInputTokens", 0},
                            {"cacheCreationInputTokens", 0},
                            {"costUSD", cost_usd},
                            {"contextWindow", 200000}});
  Json by_model = Json::object();
  by_model[model] = std::move(used);
  return by_model;
}

}  // namespace

std::string mcpConfig(const Options& options) {
  std::string config = options.get("mcp-config");
  if (config.empty() || config.front() == '{') return config;
  std::ifstream in(config);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

fs::path configFolder() {
  const char* folder = std::getenv("CLAUDE_CONFIG_DIR");
  if (folder != nullptr && *folder != '\0') return folder;
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/tmp") / ".claude";
}

Session::Session(const Options& options) : options_(options) {
  const std::string wanted = options.get("resume");
  if (!wanted.empty()) {
    id_ = wanted;
    file_ = find(wanted);
    if (file_.empty()) {
      problem_ = "No conversation found with session ID: " + wanted;
      return;
    }
    load(file_);
    return;
  }
  id_ = options.has("session-id") ? options.get("session-id") : makeUuid();
  if (!find(id_).empty()) {
    problem_ = "Error: Session ID " + id_ + " is already in use.";
    return;
  }
  file_ = configFolder() / "projects" / projectName() / (id_ + ".jsonl");
  std::error_code ignored;
  fs::create_directories(file_.parent_path(), ignored);
}

// Like the real one, looks in every project, so that a moved folder does not lose its sessions.
fs::path Session::find(const std::string& id) const {
  std::error_code error;
  for (const auto& project : fs::directory_iterator(configFolder() / "projects", error)) {
    const fs::path file = project.path() / (id + ".jsonl");
    if (fs::exists(file, error)) return file;
  }
  return {};
}

void Session::load(const fs::path& file) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const Json entry = Json::parse(line, nullptr, false);
    if (!entry.is_object()) continue;
    if (entry.value("type", "") == "user") prompts_.push_back(entry.value("prompt", ""));
    if (entry.value("type", "") == "cost") earlier_cost_usd_ = entry.value("total_cost_usd", 0.0);
  }
}

void Session::keep(const Json& line) const {
  if (options_.has("no-session-persistence")) return;
  std::ofstream out(file_, std::ios::app);
  out << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

int Session::reportProblem() const {
  std::fprintf(stderr, "%s\n", problem_.c_str());
  if (!options_.has("resume")) return 1;
  writeRecord(Json::object({{"type", "result"},
                            {"subtype", "error_during_execution"},
                            {"duration_ms", 0},
                            {"duration_api_ms", 0},
                            {"is_error", true},
                            {"num_turns", 0},
                            {"stop_reason", nullptr},
                            {"session_id", id_},
                            {"total_cost_usd", 0},
                            {"permission_denials", Json::array()},
                            {"uuid", makeUuid()},
                            {"errors", Json::array({problem_})},
                            {"result_index", 0}}));
  return 1;
}

void Session::beginTurn(const std::string& prompt) {
  prompts_.push_back(prompt);
  denials_ = Json::array();
  turn_cost_usd_ = 0.001;
  calls_ = 1;
  keep(Json::object({{"type", "user"}, {"prompt", prompt}, {"sessionId", id_}}));
  const bool has_mode = options_.has("permission-mode");
  writeRecord(
      Json::object({{"type", "system"},
                    {"subtype", "init"},
                    {"cwd", fs::current_path().string()},
                    {"session_id", id_},
                    {"tools", Json::array({"Task", "Bash", "Edit", "Read", "Write"})},
                    {"mcp_servers", serversOf(options_)},
                    {"model", modelOf(options_)},
                    {"permissionMode", has_mode ? options_.get("permission-mode") : "default"},
                    {"slash_commands", Json::array()},
                    {"apiKeySource", "ANTHROPIC_API_KEY"},
                    {"claude_code_version", "2.1.329"},
                    {"uuid", makeUuid()}}));
}

void Session::assistant(const Json& block) {
  Json message = Json::object({{"id", "msg_" + makeUuid().substr(0, 8)},
                               {"type", "message"},
                               {"role", "assistant"},
                               {"model", modelOf(options_)},
                               {"content", Json::array({block})},
                               {"stop_reason", nullptr},
                               {"stop_sequence", nullptr},
                               {"usage", usage(1)}});
  keep(Json::object({{"type", "assistant"}, {"block", block}, {"sessionId", id_}}));
  writeRecord(Json::object({{"type", "assistant"},
                            {"message", std::move(message)},
                            {"parent_tool_use_id", nullptr},
                            {"session_id", id_},
                            {"uuid", makeUuid()}}));
}

void Session::toolResult(const std::string& tool_use_id, const std::string& text, bool is_error) {
  Json block =
      Json::object({{"type", "tool_result"}, {"tool_use_id", tool_use_id}, {"content", text}});
  if (is_error) block["is_error"] = true;
  ++calls_;
  Json message = Json::object({{"role", "user"}, {"content", Json::array({std::move(block)})}});
  writeRecord(Json::object({{"type", "user"},
                            {"message", std::move(message)},
                            {"parent_tool_use_id", nullptr},
                            {"session_id", id_},
                            {"uuid", makeUuid()}}));
}

void Session::userNote(const std::string& text) {
  Json block = Json::object({{"type", "text"}, {"text", text}});
  Json message = Json::object({{"role", "user"}, {"content", Json::array({std::move(block)})}});
  writeRecord(Json::object({{"type", "user"},
                            {"message", std::move(message)},
                            {"parent_tool_use_id", nullptr},
                            {"session_id", id_},
                            {"uuid", makeUuid()}}));
}

void Session::result(const std::string& subtype, bool is_error, const Json& extra) {
  process_cost_usd_ += turn_cost_usd_;
  const double total = earlier_cost_usd_ + process_cost_usd_;
  const std::string model = modelOf(options_);
  Json record =
      Json::object({{"type", "result"},
                    {"subtype", subtype},
                    {"is_error", is_error},
                    {"session_id", id_},
                    {"num_turns", calls_},
                    {"duration_ms", 1},
                    {"duration_api_ms", 1},
                    {"stop_reason", "end_turn"},
                    {"terminal_reason", "completed"},
                    {"total_cost_usd", total},
                    {"permission_denials", denials_},
                    {"usage", usage(calls_)},
                    {"modelUsage", modelUsage(model, calls_, total)},
                    {"model_usage_since_last_result", modelUsage(model, calls_, turn_cost_usd_)},
                    {"queued_turn_count", 0},
                    {"result_index", result_index_++},
                    {"uuid", makeUuid()}});
  if (subtype == "success") record["api_error_status"] = nullptr;
  record.update(extra);
  last_was_error_ = is_error;
  turn_cost_usd_ = 0;
  keep(Json::object({{"type", "cost"}, {"total_cost_usd", total}}));
  writeRecord(record);
}

}  // namespace fake_claude
