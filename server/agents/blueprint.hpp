// A blueprint: a reusable agent definition, read from files in AOF's layout or Claude Code's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::agents {

enum class BlueprintType { Autonomous, Procedural };

/// One agent definition, resolved: capabilities merged into the prompt, ready to start.
struct Blueprint {
  std::string name;  ///< ^[a-zA-Z0-9][a-zA-Z0-9_-]*$, 1 to 60
  std::string description;
  BlueprintType type = BlueprintType::Autonomous;
  std::string driver;  ///< "claude" (autonomous) or "process" (procedural)
  std::vector<std::string>
      command;         ///< procedural: argv; argv[0] "tutti" is this program, a relative
                       ///< path is below `folder`, a bare word is looked up in PATH
  std::string folder;  ///< where its files are, "" when embedded
  std::string source;  ///< the file it came from, for people
  std::string system_prompt;
  std::string system_prompt_mode = "append";
  Json parameters_schema;  ///< null: {"prompt"} for autonomous, any object for procedural
  Json output_schema;      ///< null: results are not checked
  Json mcp_servers;        ///< {name: {command,args,env} | {type,url,headers}} or null
  std::string model;
  std::string permission_mode;
  std::vector<std::string> tools, allowed_tools, disallowed_tools, add_dirs;
  std::string setting_sources;
  std::optional<double> max_budget_usd;
  std::optional<std::int64_t> max_turns;
  std::int64_t timeout_s = 0;  ///< of one run; 0: the driver's default
  std::int64_t idle_max_s = 600;
  std::int64_t permission_timeout_s = 60;
  bool tutti_tools = true;       ///< is the agent given tutti's own tools?
  bool routable = true;          ///< may routing choose it?
  std::vector<std::string> env;  ///< names of further variables it may see
  std::vector<std::string> tags, skills, capabilities;
  std::vector<std::string> aliases;   ///< further names that it is found by, as names are spelt
  std::vector<std::string> examples;  ///< requests that should go to it, in their askers' words
  std::string pack;                   ///< the shipped pack it is from, or ""
  bool active = true;
};

/// Snapshot for the session row, and back. Never fails on what toJson wrote.
Json toJson(const Blueprint& blueprint);
Result<Blueprint> blueprintFromJson(const Json& json);

/// The schema that `parameters` of a start must pass: its own, or the implicit one of its type.
Json effectiveParametersSchema(const Blueprint& blueprint);

/// A file that is no usable blueprint. It harms no other.
struct BlueprintProblem {
  std::string source;   ///< path
  std::string message;  ///< what is wrong, where, with which value, what to do
};

struct StartPlan;  // start_plan.hpp

/// The known blueprints. Sources, the first to name a blueprint wins: `folders` in order (each in
/// AOF's layout: agents/, capabilities/, scripts/, mcp-servers/ below it), the project's
/// `.claude/agents`, the user's `~/.claude/agents`, those embedded in the program, then the packs.
/// A name of any source goes before an alias of any. Every call sees the files as they are now: a
/// cheap look at the folders' and files' times decides what is read again.
///
/// Runs on one thread only (the I/O thread).
class BlueprintCatalog {
 public:
  struct Options {
    std::vector<std::filesystem::path> folders;         ///< --blueprints DIR, AOF's configuration
    std::vector<std::filesystem::path> claude_folders;  ///< folders of Claude Code's *.md agents
    bool embedded = true;
    std::vector<std::string> packs;  ///< of the program's, each one of shippedPacks()
    std::size_t blueprints_max = 5000;
    std::size_t file_bytes_max = 1U << 20;
  };
  explicit BlueprintCatalog(Options options);
  ~BlueprintCatalog();

  /// All, sorted by name; inactive ones too.
  const std::vector<Blueprint>& list();
  /// Looks, and tells one state of list() from another: it rises when anything has changed.
  std::uint64_t generation();
  /// What could not be read, by the last look.
  const std::vector<BlueprintProblem>& problems();
  /// By name, folder or alias; what is returned bears its own name. `project_dir` adds that
  /// project's own .claude/agents in front of the claude_folders for this call. Errors: NotFound
  /// "unknown_blueprint" with the nearest names, or the pack to load, in the hint; Conflict
  /// "blueprint_inactive"; InvalidArgument "bad_blueprint" when the name's own file has a problem.
  Result<Blueprint> find(std::string_view name, const std::filesystem::path& project_dir = {});
  /// The same blueprint ready to start, from a cache while no file changes. Errors: those of find()
  /// and of makeStartPlan().
  Result<std::shared_ptr<const StartPlan>> plan(std::string_view name,
                                                const std::filesystem::path& project_dir = {});

  /// From the next look until release() each folder is looked at once: for a row of calls that had
  /// all been made before that look.
  void hold();
  void release();
  bool held() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::agents
