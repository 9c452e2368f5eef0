#include "server/toolhost/server_sink.hpp"

#include <utility>

namespace tutti::toolhost {

Status ServerSink::add(mcp::Tool tool, mcp::ToolHandler handler) {
  return server_.addTool(std::move(tool), std::move(handler));
}
void ServerSink::remove(std::string_view name) {
  server_.removeTool(name);
}
void ServerSink::changed() {
  server_.toolsChanged();
}

Status ServerSink::addPrompt(mcp::Prompt prompt, mcp::PromptHandler handler,
                             mcp::CompletionHandler complete) {
  return server_.addPrompt(std::move(prompt), std::move(handler), std::move(complete));
}
void ServerSink::removePrompt(std::string_view name) {
  server_.removePrompt(name);
}
void ServerSink::promptsChanged() {
  server_.promptsChanged();
}

Status ServerSink::addResource(mcp::Resource resource, mcp::ReadHandler handler) {
  return server_.addResource(std::move(resource), std::move(handler));
}
Status ServerSink::addTemplate(mcp::ResourceTemplate resource, mcp::ReadHandler handler,
                               mcp::CompletionHandler complete) {
  return server_.addTemplate(std::move(resource), std::move(handler), std::move(complete));
}
void ServerSink::removeResource(std::string_view uri) {
  server_.removeResource(uri);
}
void ServerSink::removeTemplate(std::string_view uri_template) {
  server_.removeTemplate(uri_template);
}
void ServerSink::resourcesChanged() {
  server_.resourcesChanged();
}

void ServerSink::resourceUpdated(std::string_view uri) {
  server_.resourceUpdated(uri);
}
std::vector<std::string> ServerSink::watchedUris() {
  return server_.watchedUris();
}
void ServerSink::onWatched(std::function<void()> callback) {
  server_.onWatched(std::move(callback));
}
void ServerSink::log(mcp::LogLevel level, std::string_view logger, const Json& data) {
  server_.log(level, logger, data);
}
void ServerSink::elicitationComplete(const std::string& elicitation_id) {
  server_.elicitationComplete(elicitation_id);
}

}  // namespace tutti::toolhost
