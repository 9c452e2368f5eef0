#include "tests/fakes/claude/options.hpp"

#include <cstddef>
#include <set>

namespace fake_claude {
namespace {

const std::set<std::string> kSwitches = {"print",
                                         "verbose",
                                         "strict-mcp-config",
                                         "fork-session",
                                         "include-partial-messages",
                                         "include-hook-events",
                                         "replay-user-messages",
                                         "bare",
                                         "safe-mode",
                                         "restricted",
                                         "no-session-persistence",
                                         "dangerously-skip-permissions",
                                         "version",
                                         "forward-subagent-text"};

const std::set<std::string> kValued = {"input-format",
                                       "output-format",
                                       "session-id",
                                       "resume",
                                       "permission-prompt-tool",
                                       "permission-mode",
                                       "mcp-config",
                                       "model",
                                       "fallback-model",
                                       "effort",
                                       "max-turns",
                                       "max-budget-usd",
                                       "task-budget",
                                       "json-schema",
                                       "append-system-prompt",
                                       "append-system-prompt-file",
                                       "system-prompt",
                                       "system-prompt-file",
                                       "agents",
                                       "agent",
                                       "allowedTools",
                                       "disallowedTools",
                                       "tools",
                                       "add-dir",
                                       "settings",
                                       "setting-sources",
                                       "permission-prompts",
                                       "resume-session-at",
                                       "max-thinking-tokens",
                                       "debug-file",
                                       "name"};

// These take every word up to the next option.
const std::set<std::string> kMany = {"mcp-config", "allowedTools", "disallowedTools", "add-dir",
                                     "tools"};

std::string longName(const std::string& argument) {
  if (argument == "-p") return "print";
  if (argument == "-r") return "resume";
  if (argument == "-v") return "version";
  if (argument == "--allowed-tools") return "allowedTools";
  if (argument == "--disallowed-tools") return "disallowedTools";
  return argument.starts_with("--") ? argument.substr(2) : std::string();
}

void append(std::string& list, const std::string& word) {
  if (!list.empty()) list += '\n';
  list += word;
}

// The rules the real one checks before it reads anything.
std::string misuse(const Options& options) {
  const bool streams = options.get("output-format") == "stream-json";
  if (options.has("print") && streams && !options.has("verbose"))
    return "Error: When using --print, --output-format=stream-json requires --verbose";
  if (options.has("session-id") && options.has("resume") && !options.has("fork-session"))
    return "Error: --session-id can only be used with --resume if --fork-session is also specified";
  if (options.get("input-format") == "stream-json" && !streams)
    return "Error: --input-format=stream-json requires output-format=stream-json.";
  return {};
}

}  // namespace

std::string Options::get(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

Options parseOptions(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  Options options;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string name = longName(words[at]);
    if (name.empty()) {
      options.words.push_back(words[at]);
    } else if (kSwitches.count(name) != 0) {
      options.values[name] = "true";
    } else if (kValued.count(name) == 0) {
      options.error = "error: unknown option '" + words[at] + "'";
      return options;
    } else if (at + 1 == words.size()) {
      options.error = "error: option '" + words[at] + " <value>' argument missing";
      return options;
    } else if (kMany.count(name) != 0) {
      std::string list;
      append(list, words[++at]);
      while (at + 1 < words.size() && !words[at + 1].starts_with("-")) append(list, words[++at]);
      append(options.values[name], list);
    } else {
      options.values[name] = words[++at];
    }
  }
  options.error = misuse(options);
  return options;
}

}  // namespace fake_claude
