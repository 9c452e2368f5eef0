#include "server/cli/mounts.hpp"

#include <cstdlib>

namespace tutti::cli {
namespace {

class ServerSink final : public toolhost::ToolSink {
 public:
  explicit ServerSink(mcp::Server& server) : server_(server) {}
  Status add(mcp::Tool tool, mcp::ToolHandler handler) override {
    return server_.addTool(std::move(tool), std::move(handler));
  }
  Status addPrompt(mcp::Prompt prompt, mcp::PromptHandler handler,
                   mcp::CompletionHandler complete) override {
    return server_.addPrompt(std::move(prompt), std::move(handler), std::move(complete));
  }
  void removePrompt(std::string_view name) override { server_.removePrompt(name); }
  void promptsChanged() override { server_.promptsChanged(); }
  Status addResource(mcp::Resource resource, mcp::ReadHandler handler) override {
    return server_.addResource(std::move(resource), std::move(handler));
  }
  Status addTemplate(mcp::ResourceTemplate resource, mcp::ReadHandler handler,
                     mcp::CompletionHandler complete) override {
    return server_.addTemplate(std::move(resource), std::move(handler), std::move(complete));
  }
  void removeResource(std::string_view uri) override { server_.removeResource(uri); }
  void removeTemplate(std::string_view uri) override { server_.removeTemplate(uri); }
  void resourcesChanged() override { server_.resourcesChanged(); }
  void resourceUpdated(std::string_view uri) override { server_.resourceUpdated(uri); }
  std::vector<std::string> watchedUris() override { return server_.watchedUris(); }
  void onWatched(std::function<void()> callback) override {
    server_.onWatched(std::move(callback));
  }
  void log(mcp::LogLevel level, std::string_view logger, const Json& data) override {
    server_.log(level, logger, data);
  }
  void remove(std::string_view name) override { server_.removeTool(name); }
  void changed() override { server_.toolsChanged(); }

 private:
  mcp::Server& server_;
};

std::optional<std::string> lookUp(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace

std::unique_ptr<toolhost::ToolSink> toolSinkOf(mcp::Server& server) {
  return std::make_unique<ServerSink>(server);
}

Result<std::unique_ptr<toolhost::ToolHost>> openMounts(boost::asio::io_context& io,
                                                       const Settings& settings,
                                                       toolhost::ToolSink& sink) {
  auto specs = toolhost::readMountConfig(settings.mcp_config, lookUp);
  if (!specs.ok()) return std::move(specs).error();
  toolhost::MountOptions options;
  options.program = ownProgram().string();
  options.client_version = TUTTI_VERSION;
  auto folder = dataFolder(settings.data);
  if (!folder.ok()) return std::move(folder).error();
  options.share_folder = *folder / "mounts";
  options.sink_of = toolSinkOf;
  return std::make_unique<toolhost::ToolHost>(io, std::move(*specs), std::move(options), sink);
}

}  // namespace tutti::cli
