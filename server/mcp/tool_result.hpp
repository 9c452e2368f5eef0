// How the end of a call looks in each revision.
#pragma once

#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/mcp/revision.hpp"
#include "server/mcp/tool.hpp"
#include "server/mcp/tool_registry.hpp"

namespace tutti::mcp {

/// Where an error's machine-readable part goes when the tool's output schema has no room for it.
inline constexpr std::string_view kMetaError = "tutti/error";

/// What every modern result carries beside its own members, ready to append before the closing
/// brace.
struct ResultTail {
  std::string server_info;  ///< `"io.modelcontextprotocol/serverInfo":{…}`
  std::string modern;       ///< `,"resultType":"complete","_meta":{…}`
};

/// The tail of a server; `server_info` is an Implementation object.
ResultTail makeTail(const std::string& server_info);

/// Appends the result object of a call that succeeded. `output` has passed the output schema.
void appendToolSuccess(std::string& to, const RegisteredTool& tool, const ToolOutput& output,
                       Revision revision, const ResultTail& tail);

/// Appends the result object of a call that failed: isError, a text for the model, and
/// {error:{code,name,message,hint,details}} as structured content. Clients check structured content
/// against the output schema even of an error, so where the schema refuses it, it goes to
/// `_meta["tutti/error"]` instead.
void appendToolFailure(std::string& to, const RegisteredTool& tool, const Error& error,
                       Revision revision, const ResultTail& tail);

/// The error for arguments that miss the input schema.
Error invalidArguments(std::string_view tool, const std::vector<json::SchemaError>& errors);

}  // namespace tutti::mcp
