#include "server/runner/drivers/permission_rules.hpp"

#include <nlohmann/json.hpp>

namespace tutti::runner {
namespace {

/// `*` stands for any text. Linear in practice: one restart point, the last star.
bool globMatches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// "git *" and "git:*" mean git with any arguments or none.
bool commandMatches(std::string_view pattern, std::string_view command) {
  if (pattern.ends_with(":*") || pattern.ends_with(" *")) {
    const std::string_view prefix = pattern.substr(0, pattern.size() - 2);
    return globMatches(prefix, command) || globMatches(std::string(prefix) + " *", command);
  }
  return globMatches(pattern, command);
}

bool anyCommandMatches(std::string_view pattern, std::string_view command, RuleUse use) {
  constexpr std::string_view kChaining = ";&|`\n\r<>";
  const bool chained = command.find_first_of(kChaining) != std::string_view::npos ||
                       command.find("$(") != std::string_view::npos;
  if (!chained) return commandMatches(pattern, trimmed(command));
  if (use == RuleUse::Allow) return pattern == "*";
  while (!command.empty()) {
    const std::size_t end = command.find_first_of(";&|`\n\r<>()$");
    if (commandMatches(pattern, trimmed(command.substr(0, end)))) return true;
    if (end == std::string_view::npos) break;
    command.remove_prefix(end + 1);
  }
  return false;
}

bool pathMatches(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with("//")) pattern.remove_prefix(1);  // Claude's spelling of an absolute path
  // ".." would let a path leave the folder that the pattern names.
  if (path.find("/../") != std::string_view::npos || path.ends_with("/..")) return pattern == "*";
  return globMatches(pattern, path);
}

std::string_view hostOf(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const std::size_t user = url.rfind('@');
  if (user != std::string_view::npos) url.remove_prefix(user + 1);
  return url.substr(0, url.find(':'));
}

bool subjectMatches(std::string_view pattern, const Json& input, RuleUse use) {
  if (!input.is_object()) return false;
  if (const Json* command = json::find(input, "command");
      command != nullptr && command->is_string())
    return anyCommandMatches(pattern, command->get_ref<const std::string&>(), use);
  for (const char* key : {"file_path", "notebook_path", "path"}) {
    if (const Json* path = json::find(input, key); path != nullptr && path->is_string())
      return pathMatches(pattern, path->get_ref<const std::string&>());
  }
  if (const Json* url = json::find(input, "url"); url != nullptr && url->is_string()) {
    if (!pattern.starts_with("domain:")) return false;
    return globMatches(pattern.substr(7), hostOf(url->get_ref<const std::string&>()));
  }
  return false;
}

bool nameMatches(std::string_view pattern, std::string_view tool_name) {
  if (globMatches(pattern, tool_name)) return true;
  // "mcp__server" alone means all of the server's tools.
  return pattern.starts_with("mcp__") && tool_name.size() > pattern.size() + 2 &&
         tool_name.starts_with(pattern) && tool_name.substr(pattern.size(), 2) == "__";
}

}  // namespace

bool ruleMatches(std::string_view rule, std::string_view tool_name, const Json& input,
                 RuleUse use) {
  const std::size_t open = rule.find('(');
  if (open == std::string_view::npos || !rule.ends_with(')')) return nameMatches(rule, tool_name);
  const std::string_view subject = rule.substr(open + 1, rule.size() - open - 2);
  return nameMatches(rule.substr(0, open), tool_name) && subjectMatches(subject, input, use);
}

std::optional<RuleAnswer> answerByRules(const std::vector<std::string>& allowed,
                                        const std::vector<std::string>& disallowed,
                                        std::string_view tool_name, const Json& input) {
  for (const std::string& rule : disallowed) {
    if (ruleMatches(rule, tool_name, input, RuleUse::Deny)) return RuleAnswer{false, rule};
  }
  for (const std::string& rule : allowed) {
    if (ruleMatches(rule, tool_name, input, RuleUse::Allow)) return RuleAnswer{true, rule};
  }
  return std::nullopt;
}

}  // namespace tutti::runner
