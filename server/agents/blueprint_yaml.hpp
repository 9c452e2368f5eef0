// YAML front matter as JSON, bounded.
#pragma once

#include <string_view>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::agents {

struct YamlLimits {
  std::size_t bytes_max = 64U * 1024;
  std::size_t depth_max = 16;
  std::size_t nodes_max = 4096;
};

/// The one mapping in `text` as a JSON object. Every scalar becomes a string, an empty one null:
/// what a member means is for its reader to say. Where the text is no YAML because a plain value
/// holds ": " or " #" — as descriptions written for Claude Code often do — the value is taken to
/// the end of its line. Errors: InvalidArgument (not a mapping, a key twice, an alias or an anchor,
/// the line of a syntax error), ResourceExhausted past a limit. Thread-safe.
Result<Json> parseYamlMapping(std::string_view text, YamlLimits limits = {});

}  // namespace tutti::agents
