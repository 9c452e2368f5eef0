// Prompts, resources and templates as a server holds them: the description, what is compiled from
// it, and who answers.
#pragma once

#include <string>

#include "server/mcp/completion.hpp"
#include "server/mcp/prompt.hpp"
#include "server/mcp/resource.hpp"
#include "server/mcp/revision.hpp"
#include "server/mcp/uri_template.hpp"

namespace tutti::mcp {

struct RegisteredPrompt {
  Prompt prompt;
  PromptHandler handler;
  CompletionHandler complete;  ///< may be empty

  const std::string& key() const { return prompt.name; }
  void append(std::string& to, Revision revision) const;
};

struct RegisteredResource {
  Resource resource;
  ReadHandler handler;

  const std::string& key() const { return resource.uri; }
  void append(std::string& to, Revision revision) const;
};

struct RegisteredTemplate {
  ResourceTemplate resource;
  UriTemplate uri;
  ReadHandler handler;
  CompletionHandler complete;  ///< may be empty
  FindHandler find;            ///< may be empty

  const std::string& key() const { return resource.uri_template; }
  void append(std::string& to, Revision revision) const;
};

/// Errors: InvalidArgument naming the prompt or resource and what is wrong with its description.
Status check(const Prompt& prompt);
Status check(const Resource& resource);
Status check(const ResourceTemplate& resource);

}  // namespace tutti::mcp
