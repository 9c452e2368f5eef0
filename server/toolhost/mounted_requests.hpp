// What callers ask of a mounted server. Each function ends the caller's request once in any case,
// and runs on the I/O thread only; names and URIs are the server's own.
#pragma once

#include <memory>
#include <string>

#include "server/mcp/completion.hpp"
#include "server/mcp/prompt.hpp"
#include "server/mcp/resource.hpp"
#include "server/mcp/tool.hpp"

namespace tutti::toolhost {

class Mount;

void callTool(const std::shared_ptr<Mount>& mount, const std::string& tool,
              std::shared_ptr<mcp::ToolCall> call);
void getPrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
               std::shared_ptr<mcp::PromptCall> call);
/// Of the URI behind the server's prefix. NotFound for what the filter denies, without asking.
void readResource(const std::shared_ptr<Mount>& mount, std::shared_ptr<mcp::ResourceRead> call);
void completePrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
                    std::shared_ptr<mcp::CompletionCall> call);
void completeTemplate(const std::shared_ptr<Mount>& mount, const std::string& uri_template,
                      std::shared_ptr<mcp::CompletionCall> call);

}  // namespace tutti::toolhost
