// From files to blueprints: the readers of the two layouts. Inner to this folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/base/result.hpp"

namespace tutti::agents {

/// One file of a tree of blueprints, as it was read.
struct SourceFile {
  std::string content;      ///< of a script's program its first line only
  std::string problem;      ///< why it could not be read, or ""
  bool executable = false;  ///< by its owner
  bool operator==(const SourceFile&) const = default;
};

/// By path below the tree's root, as in "agents/claude/agent.json".
using SourceFiles = std::map<std::string, SourceFile, std::less<>>;

/// A tree of files and where it is.
struct SourceTree {
  const SourceFiles& files;
  std::filesystem::path root;  ///< empty: embedded in the program
  std::string pack = {};       ///< the pack that it is, of those embedded
};

/// What the files of one agent said.
struct ParsedBlueprint {
  std::string file_name;  ///< of its folder, or of its file without ".md"
  std::string source;     ///< the file, for people
  Result<Blueprint> blueprint;
};

/// The program's own files of that pack, or with "" those of no pack.
SourceFiles embeddedBlueprints(std::string_view pack);

/// agents/, capabilities/, scripts/ and mcp-servers/ in AOF's layout.
std::vector<ParsedBlueprint> readAofTree(const SourceTree& tree);
/// Claude Code's agents: each *.md file is one.
std::vector<ParsedBlueprint> readClaudeTree(const SourceTree& tree);

/// The file's text. Errors: InvalidArgument when it could not be read or is not UTF-8.
Result<std::string> textOf(const SourceFile& file);
/// The file's JSON object.
Result<Json> objectOf(const SourceFile& file);
/// `tree`'s file for people: its path on disk, or "embedded:blueprints/…".
std::string describe(const SourceTree& tree, std::string_view path);

/// What a script of `scripts/` gives to the agent or capability that names it.
struct Script {
  std::string name;
  std::string description;
  std::vector<std::string> command;
  Json parameters_schema;  ///< or null
};
/// Errors: InvalidArgument when there is no such script or it cannot be run.
Result<Script> readScript(const SourceTree& tree, const std::string& name);
/// How an autonomous agent calls the script, as Markdown for its system prompt.
std::string scriptUsage(const Script& script);

/// The servers of one mcp.json, resolved against `mcp-servers/`.
struct McpServers {
  Json servers;                     ///< object by name, Claude's form
  bool wants_orchestrator = false;  ///< AOF's own server was named: that is tutti here
};
Result<McpServers> readMcpServers(const SourceTree& tree, const Json& document);
/// One entry that states its server itself: {command, args?, env?} or {type?, url, headers?}.
Result<Json> readMcpEntry(const std::string& name, const Json& entry);

/// Adds the capabilities' texts, script usages and servers to the blueprint.
/// Errors: InvalidArgument for an unknown capability or a server that is named twice.
Status addCapabilities(const SourceTree& tree, Blueprint& blueprint);
/// Merges `more` into the blueprint's servers. `origin` is for the error of a name given twice.
Status addMcpServers(Blueprint& blueprint, const Json& more, std::string_view origin);

/// Are both schemas JSON Schemas? Errors: InvalidArgument naming the member and what is wrong.
Status checkSchemas(const Blueprint& blueprint);

}  // namespace tutti::agents
