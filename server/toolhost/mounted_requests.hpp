// One prompt of a mounted server, got or completed for a caller.
#pragma once

#include <memory>
#include <string>

#include "server/mcp/completion.hpp"
#include "server/mcp/prompt.hpp"

namespace tutti::toolhost {

class Mount;

// Both end the caller's request once in any case, and run on the I/O thread only. `prompt` is the
// server's own name of it. What the server asks meanwhile is refused.
void getPrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
               std::shared_ptr<mcp::PromptCall> call);
void completePrompt(const std::shared_ptr<Mount>& mount, const std::string& prompt,
                    std::shared_ptr<mcp::CompletionCall> call);

}  // namespace tutti::toolhost
