// Arguments that a client repeats as HTTP headers (`x-mcp-header`), so that a proxy can route on
// them without reading the body.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::mcp {

/// One property of a tool's input schema that is marked.
struct HeaderParameter {
  enum class Type { String, Integer, Boolean };
  std::vector<std::string> path;  ///< of the argument, from the root
  std::string header;             ///< "mcp-param-" and the name in lower case
  Type type = Type::String;
};

inline constexpr std::string_view kHeaderParameterPrefix = "mcp-param-";

/// The marked properties of an input schema. Errors: InvalidArgument when a mark is no header name,
/// is given twice, or stands where no client could find the value: only strings, integers and
/// booleans, reached from the root through `properties` alone, can be headers.
Result<std::vector<HeaderParameter>> headerParameters(const Json& schema);

/// The value that a header stands for: `=?base64?…?=` is decoded, everything else is literal.
/// Nothing for what is not well-formed.
std::optional<std::string> headerValue(std::string_view header);

/// The value of a header by its lower-case name, or nothing.
using HeaderLookup = std::function<std::optional<std::string_view>(std::string_view name)>;

/// Does every marked argument have its header, with the same value? Otherwise what is wrong.
std::optional<std::string> headerMismatch(const std::vector<HeaderParameter>& parameters,
                                          const Json& arguments, const HeaderLookup& header);

}  // namespace tutti::mcp
