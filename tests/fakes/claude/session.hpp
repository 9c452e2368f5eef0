// One conversation: its transcript on disk and the records that every turn prints.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/fakes/claude/options.hpp"
#include "tests/fakes/claude/wire.hpp"

namespace fake_claude {

/// The session named by --session-id or --resume, with its transcript under the config folder at
/// projects/<cwd with / as ->/<id>.jsonl. Single-threaded.
class Session {
 public:
  explicit Session(const Options& options);

  /// Not empty: the session cannot be used; `exit` prints it the way the real one does.
  const std::string& problem() const { return problem_; }
  /// Prints the problem (with a result record when the real one prints one); gives the exit code.
  int reportProblem() const;

  const std::string& id() const { return id_; }
  const Options& options() const { return options_; }
  /// Everything the user has said so far in this session, earlier processes included.
  const std::vector<std::string>& prompts() const { return prompts_; }

  void beginTurn(const std::string& prompt);
  /// Prints one assistant record with this content block and keeps it.
  void assistant(const Json& block);
  /// Prints the result of a tool call, as a user record.
  void toolResult(const std::string& tool_use_id, const std::string& text, bool is_error);
  void userNote(const std::string& text);
  void deny(const Json& denial) { denials_.push_back(denial); }
  void spend(double usd) { turn_cost_usd_ += usd; }
  double spentHere() const { return process_cost_usd_ + turn_cost_usd_; }

  /// Prints the turn's result record; `extra` adds members to it or replaces them.
  void result(const std::string& subtype, bool is_error, const Json& extra);
  bool lastWasError() const { return last_was_error_; }

 private:
  std::filesystem::path find(const std::string& id) const;
  void load(const std::filesystem::path& file);
  void keep(const Json& line) const;

  const Options& options_;
  std::string id_;
  std::string problem_;
  std::filesystem::path file_;
  std::vector<std::string> prompts_;
  Json denials_ = Json::array();
  double earlier_cost_usd_ = 0;
  double process_cost_usd_ = 0;
  double turn_cost_usd_ = 0;
  int calls_ = 0;
  int result_index_ = 0;
  bool last_was_error_ = false;
};

/// The text of --mcp-config, which may be JSON or name a file.
std::string mcpConfig(const Options& options);

/// $CLAUDE_CONFIG_DIR, or $HOME/.claude.
std::filesystem::path configFolder();

}  // namespace fake_claude
