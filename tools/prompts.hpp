// The prompts of prompts/*.md, which clients show as slash commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/server.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// A prompt as its file has it.
struct PromptFile {
  mcp::Prompt prompt;
  std::string text;  ///< with ${name} and ${name|otherwise} where arguments go
};

/// Errors: InvalidArgument "bad_prompt" naming `source` and what is wrong with its front matter or
/// its placeholders.
Result<PromptFile> parsePrompt(std::string_view source, std::string_view content);

/// `text` with the arguments filled in. Whitespace and empty arguments count as absent.
std::string fillPrompt(std::string_view text, const Json& arguments);

/// A file's path and content.
struct TextFile {
  std::string path;
  std::string content;
};

/// `context` must outlive the server's last call. Errors: those of parsePrompt() and addPrompt().
Status addPrompts(mcp::Server& server, const Context& context, const std::vector<TextFile>& files);

}  // namespace tutti::tools
