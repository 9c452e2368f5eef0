// What a server hands to a run-host, and what a run-host leaves behind: the file formats between them.
//
//   hosts/<session>/<generation>/host.json   HostSpec, written by the server before it spawns the host
//   hosts/<session>/<generation>/control.sock, state.json, exit.json, host.log   written by the host
//   hosts/<session>/lock                     flock held by the live host of the session
//   runs/<run>/run.json                      RunSpec, written by the server before it sends the turn
//   runs/<run>/events.ndjson                 the spool: one event a line, appended by the host
//   runs/<run>/outcome.json                  how the run ended: written durably, once, last
//
// All below the store's folder. schemas/run-host.json describes the JSON forms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::runner {

/// One run: the first of a session or a further turn.
struct RunSpec {
  std::string run_id;
  std::string session_id;
  std::int64_t generation = 0;
  Json parameters;     ///< as checked: {"prompt": …} or the blueprint's own
  std::string prompt;  ///< what a conversational agent is told; "" for driver "process"
  std::int64_t timeout_ms = 0;  ///< of this run; 0: none
};

/// Everything a driver needs to know of its session. Immutable for the life of the host.
struct HostSpec {
  std::string session_id;
  std::int64_t generation = 0;
  std::string driver;  ///< "claude", "process"
  std::vector<std::string> command;  ///< argv[0] an absolute path; the driver appends its arguments
  std::string project_dir;           ///< working folder of the agent
  std::map<std::string, std::string> environment;  ///< the agent's whole environment
  Json output_schema;                ///< or null
  std::string system_prompt;
  std::string system_prompt_mode = "append";  ///< or "replace"
  Json mcp_servers;                  ///< Claude's mcpServers form, tutti's own entry included; or null
  std::string model;
  std::string permission_mode;
  std::vector<std::string> allowed_tools;
  std::vector<std::string> disallowed_tools;
  std::vector<std::string> tools;
  std::vector<std::string> add_dirs;
  std::string setting_sources;
  std::optional<double> max_budget_usd;
  std::optional<std::int64_t> max_turns;
  std::string executor_session_id;  ///< the conversation to continue, or "" to begin one
  std::string new_executor_session_id;  ///< id for a new conversation
  std::int64_t permission_timeout_ms = 60'000;  ///< then an unanswered request is denied
  std::int64_t idle_max_ms = 600'000;           ///< an idle agent process is ended after this
  std::int64_t first_turn_max_ms = 30'000;      ///< a host that nobody gives its first turn, too
  std::int64_t stop_grace_ms = 5'000;           ///< between SIGTERM and SIGKILL
  std::int64_t line_bytes_max = 16LL * 1024 * 1024;   ///< of one line an agent prints
  std::int64_t output_bytes_max = 16LL * 1024 * 1024; ///< kept of a program's stdout
  std::int64_t spool_bytes_max = 1024LL * 1024 * 1024;
  std::int64_t events_max = 100'000;
};

Json toJson(const RunSpec& spec);
Json toJson(const HostSpec& spec);
Result<RunSpec> runSpecFromJson(const Json& json);
Result<HostSpec> hostSpecFromJson(const Json& json);

/// The places of the files above, below one store folder.
class Layout {
 public:
  explicit Layout(std::filesystem::path store_folder) : root_(std::move(store_folder)) {}
  std::filesystem::path host(const std::string& session_id, std::int64_t generation) const;
  std::filesystem::path sessionHosts(const std::string& session_id) const;
  std::filesystem::path run(const std::string& run_id) const;
  std::filesystem::path replicas() const;
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace tutti::runner
