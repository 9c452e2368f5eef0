#include "server/mcp/server.hpp"

#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/envelope.hpp"
#include "server/mcp/server_impl.hpp"
#include "server/mcp/tasks/task_run.hpp"

namespace tutti::mcp {
namespace {

std::string implementationJson(const ServerOptions& options) {
  std::string info = "{\"name\":";
  appendJsonString(info, options.name);
  if (!options.title.empty()) {
    info += ",\"title\":";
    appendJsonString(info, options.title);
  }
  info += ",\"version\":";
  appendJsonString(info, options.version);
  info += '}';
  return info;
}

ResultTail makeTail(const std::string& server_info) {
  ResultTail tail;
  appendJsonString(tail.server_info, kMetaServerInfo);
  tail.server_info.append(":").append(server_info);
  tail.modern = ",\"resultType\":\"complete\",\"_meta\":{" + tail.server_info + "}";
  return tail;
}

std::string discoverBody(const Server::Impl& server) {
  std::string body = "{\"supportedVersions\":";
  body.append(kModernRevisionsJson).append(",\"capabilities\":").append(server.capabilities);
  if (!server.options.instructions.empty()) {
    body += ",\"instructions\":";
    appendJsonString(body, server.options.instructions);
  }
  body += ",\"ttlMs\":" + std::to_string(server.options.list_ttl_ms);
  body.append(",\"cacheScope\":\"public\"").append(server.tail.modern).push_back('}');
  return body;
}

}  // namespace

Server::Impl::Impl(ServerOptions given)
    : options(std::move(given)),
      tools(options.list_page_max),
      server_info(implementationJson(options)),
      capabilities("{\"logging\":{},\"tools\":{}}"),
      tail(makeTail(server_info)),
      discover_body(discoverBody(*this)),
      state_codec(options.request_state_keys, options.request_state_max_s, *options.clock),
      tasks(options.task_store ? std::make_shared<Tasks>(*this, options.task_store) : nullptr) {
  if (tasks) tasks->open();
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

Status Server::addTool(Tool tool, ToolHandler handler) {
  return impl_->tools.add(std::move(tool), std::move(handler));
}

}  // namespace tutti::mcp
