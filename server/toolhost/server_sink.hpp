// The sink that is an MCP server of ours.
#pragma once

#include "server/mcp/server.hpp"
#include "server/toolhost/tool_host.hpp"

namespace tutti::toolhost {

/// Passes everything on to `server`, which must outlive it.
class ServerSink : public ToolSink {
 public:
  explicit ServerSink(mcp::Server& server) : server_(server) {}

  Status add(mcp::Tool tool, mcp::ToolHandler handler) override;
  void remove(std::string_view name) override;
  void changed() override;
  Status addPrompt(mcp::Prompt prompt, mcp::PromptHandler handler,
                   mcp::CompletionHandler complete) override;
  void removePrompt(std::string_view name) override;
  void promptsChanged() override;
  Status addResource(mcp::Resource resource, mcp::ReadHandler handler) override;
  Status addTemplate(mcp::ResourceTemplate resource, mcp::ReadHandler handler,
                     mcp::CompletionHandler complete) override;
  void removeResource(std::string_view uri) override;
  void removeTemplate(std::string_view uri_template) override;
  void resourcesChanged() override;
  void resourceUpdated(std::string_view uri) override;
  std::vector<std::string> watchedUris() override;
  void onWatched(std::function<void()> callback) override;
  void log(mcp::LogLevel level, std::string_view logger, const Json& data) override;
  void elicitationComplete(const std::string& elicitation_id) override;

 private:
  mcp::Server& server_;
};

}  // namespace tutti::toolhost
