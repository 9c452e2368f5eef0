// A blueprint's own answer to a permission request, in Claude Code's rule language.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::runner {

/// Does `rule` speak of this tool call? "Tool" means every call of it, "mcp__server" every tool of
/// that server, and a `*` anything. "Tool(what)" looks at the call's subject: a command ("git *" or
/// "git:*"), a file path or a web domain ("domain:example.org").
///
/// A command that chains others (&& ; | ` $( and line breaks) is matched by no allowing rule,
/// because a harmless beginning says nothing of its end; a denying rule matches it when it matches
/// any part.
enum class RuleUse { Allow, Deny };
bool ruleMatches(std::string_view rule, std::string_view tool_name, const Json& input, RuleUse use);

/// What the rules say: deny first, then allow; nothing when none speaks of the call.
struct RuleAnswer {
  bool allow = false;
  std::string rule;
};
std::optional<RuleAnswer> answerByRules(const std::vector<std::string>& allowed,
                                        const std::vector<std::string>& disallowed,
                                        std::string_view tool_name, const Json& input);

}  // namespace tutti::runner
