// What a mounted server says, in the words of tutti's own server, and back.
#pragma once

#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/client/client.hpp"
#include "server/mcp/completion.hpp"
#include "server/mcp/header_parameters.hpp"
#include "server/mcp/prompt.hpp"
#include "server/mcp/resource.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::toolhost {

/// One tool as its server described it.
struct OfferedTool {
  std::string name;         ///< the server's own
  std::string description;  ///< the whole entry of tools/list: another text is another tool
  mcp::Tool tool;           ///< its name is still to be given
  std::vector<mcp::HeaderParameter> header_parameters;
};

/// Errors: InvalidArgument when the entry is no tool that can be offered: without a name, or with
/// an input schema whose root is no object, or with a mark for headers that cannot be. An output
/// schema that does not compile is left out; what the tool gives back then passes unchecked.
Result<OfferedTool> offeredTool(const mcp::client::ListEntry& entry);

/// One prompt as its server described it.
struct OfferedPrompt {
  std::string name;         ///< the server's own
  std::string description;  ///< the whole entry of prompts/list: another text is another prompt
  mcp::Prompt prompt;       ///< its name is still to be given
  bool completes = false;   ///< the server completes arguments
};

/// Errors: InvalidArgument when the entry has no name.
Result<OfferedPrompt> offeredPrompt(const mcp::client::ListEntry& entry);

/// One resource as its server described it.
struct OfferedResource {
  std::string description;  ///< the whole entry of resources/list: another text is another resource
  mcp::Resource resource;   ///< its URI is the server's own
};

/// Errors: InvalidArgument when the entry has no URI, or one that is too long to be passed on.
Result<OfferedResource> offeredResource(const mcp::client::ListEntry& entry);

/// One template as its server described it.
struct OfferedTemplate {
  std::string description;  ///< the whole entry of resources/templates/list
  mcp::ResourceTemplate resource;
  bool completes = false;  ///< the server completes variables
};

/// Errors: InvalidArgument when the entry has no template, or one that cannot be matched.
Result<OfferedTemplate> offeredTemplate(const mcp::client::ListEntry& entry);

// The URIs of what can be read from the server get `prefix`.

/// A resources/read result. Errors: Internal "invalid_answer" when it is none.
Result<mcp::ResourceOutput> resourcePassedOn(const mcp::client::Reply& reply,
                                             const std::string& prefix);

/// A prompts/get result. Errors: Internal "invalid_answer" when it is none.
Result<mcp::PromptOutput> promptPassedOn(const mcp::client::Reply& reply,
                                         const std::string& prefix);

/// A tools/call result. Errors: Internal "invalid_answer" when it is none.
Result<mcp::ToolOutput> passedOn(const mcp::client::Reply& reply, const std::string& prefix);

/// A completion/complete result. Errors: Internal "invalid_answer" when it is none.
Result<mcp::CompletionOutput> completionPassedOn(const mcp::client::Reply& reply);

}  // namespace tutti::toolhost
