// YAML front matter as JSON, bounded.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::agents {

struct YamlLimits {
  std::size_t bytes_max = 64U * 1024;
  std::size_t depth_max = 16;
  std::size_t nodes_max = 4096;
  std::size_t paths_bytes_max = 8U * 1024 * 1024;  ///< of a document's lines, all together
};

/// The one mapping in `text` as a JSON object. Every scalar becomes a string, an empty one null:
/// what a member means is for its reader to say. Where the text is no YAML because a plain value
/// holds ": " or " #" — as descriptions written for Claude Code often do — the value is taken to
/// the end of its line. Errors: InvalidArgument (not a mapping, a key twice, an alias or an anchor,
/// the line of a syntax error), ResourceExhausted past a limit. Thread-safe.
Result<Json> parseYamlMapping(std::string_view text, YamlLimits limits = {});

/// A whole file of YAML. Members and elements by path, as in "strategies.scan.when.all[0]".
struct YamlDocument {
  Json value;
  std::map<std::string, int, std::less<>>
      lines;  ///< from 1: of a member's key, of an element's beginning
};

/// The one mapping in `text`, as parseYamlMapping() reads it but without its leniency. Errors as
/// there, with the line in details() where it is known; also InvalidArgument for a second document.
/// Thread-safe.
Result<YamlDocument> parseYamlDocument(std::string_view text, YamlLimits limits);

/// A Markdown file with YAML at its head, between two lines of three dashes.
struct FrontMatter {
  std::string_view head;  ///< the YAML
  std::string_view body;  ///< what follows the second line of dashes
};

/// Views into `text`. Errors: InvalidArgument when it does not begin with such a line, or no second
/// one follows. Thread-safe.
Result<FrontMatter> splitFrontMatter(std::string_view text);

}  // namespace tutti::agents
