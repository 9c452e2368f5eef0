#include "server/mcp/server.hpp"

#include <utility>

#include "server/base/log.hpp"
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

std::vector<Icon> usableIcons(const std::vector<Icon>& icons) {
  const Status status = check(icons);
  if (status.ok()) return icons;
  log::error("the server's icons are not served", {{"reason", status.error().message()}});
  return {};
}

template <class T>
Status taken(const T& entry, std::string_view kind) {
  return Error(Code::Conflict, std::string(kind) + " '" + entry.key() + "' is there already",
               "remove it first, or give this one another name")
      .named("already_offered");
}

}  // namespace

Server::Impl::Impl(ServerOptions given)
    : options(std::move(given)),
      tools(options.list_page_max),
      prompts(options.list_page_max),
      resources(options.list_page_max),
      templates(options.list_page_max),
      skills(options.list_page_max),
      audience(options.listeners_max),
      server_info(implementationJson(options)),
      tail(makeTail(server_info)),
      icons(usableIcons(options.icons)),
      state_codec(options.request_state_keys, options.request_state_max_s, *options.clock),
      elicitations(options.elicitations_max),
      tasks(options.task_store ? std::make_shared<Tasks>(*this, options.task_store) : nullptr) {
  if (!tasks) return;
  tasks->open();
  extensions.emplace(kTasksExtension, "{}");
}

std::string Server::Impl::introduction(Revision revision) const {
  std::string info = server_info;
  info.pop_back();
  appendIcons(info, icons, revision);
  info += '}';
  return info;
}

Server::Impl::Reader Server::Impl::readerOf(std::string_view uri) const {
  if (const auto* resource = resources.find(uri)) return {(*resource)->handler, {}};
  for (const auto& entry : templates.all())
    if (auto variables = entry->uri.match(uri))
      return {entry->handler, entry->find, std::move(*variables)};
  return {};
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

Status Server::addTool(Tool tool, ToolHandler handler) {
  impl_->discover_body.clear();
  return impl_->tools.add(std::move(tool), std::move(handler));
}

Status Server::addPrompt(Prompt prompt, PromptHandler handler, CompletionHandler complete) {
  if (Status status = check(prompt); !status.ok()) return status;
  auto entry = std::make_shared<RegisteredPrompt>(
      RegisteredPrompt{std::move(prompt), std::move(handler), std::move(complete)});
  impl_->completes = impl_->completes || entry->complete;
  impl_->discover_body.clear();
  return impl_->prompts.add(entry) ? ok() : taken(*entry, "prompt");
}

Status Server::addResource(Resource resource, ReadHandler handler) {
  if (Status status = check(resource); !status.ok()) return status;
  auto entry = std::make_shared<RegisteredResource>(
      RegisteredResource{std::move(resource), std::move(handler)});
  impl_->discover_body.clear();
  return impl_->resources.add(entry) ? ok() : taken(*entry, "resource");
}

Status Server::addTemplate(ResourceTemplate resource, ReadHandler handler,
                           CompletionHandler complete, FindHandler find) {
  if (Status status = check(resource); !status.ok()) return status;
  auto uri = UriTemplate::compile(resource.uri_template);
  if (!uri.ok()) return std::move(uri).error();
  auto entry = std::make_shared<RegisteredTemplate>(
      RegisteredTemplate{std::move(resource), std::move(*uri), std::move(handler),
                         std::move(complete), std::move(find)});
  impl_->completes = impl_->completes || entry->complete;
  impl_->discover_body.clear();
  return impl_->templates.add(entry) ? ok() : taken(*entry, "resource template");
}

Status Server::addSkill(Skill skill) {
  auto made = makeSkill(skill);
  if (!made.ok()) return std::move(made).error();
  auto entry = std::make_shared<const RegisteredSkill>(std::move(*made));
  for (const Resource& resource : entry->resources)
    if (impl_->resources.find(resource.uri) != nullptr)
      return taken(RegisteredResource{resource, nullptr}, "resource");
  for (std::size_t i = 0; i < skill.files.size(); ++i) {
    const Resource& resource = entry->resources[i];
    auto contents =
        ResourceContents::ofBytes(resource.uri, resource.mime_type, skill.files[i].bytes);
    const auto read = [contents = std::move(contents)](const std::shared_ptr<ResourceRead>& call) {
      call->finish(ResourceOutput{{contents}});
    };
    if (Status added = addResource(resource, read); !added.ok()) return added;
  }
  impl_->skills.add(std::move(entry));
  declareExtension(std::string(kSkillsExtension), R"({"directoryRead":true})");
  return ok();
}

void Server::beforeSkills(std::function<void()> refresh) {
  impl_->refresh_skills = std::move(refresh);
}

void Server::declareExtension(std::string id, std::string settings) {
  impl_->discover_body.clear();
  impl_->extensions[std::move(id)] = std::move(settings);
}

bool Server::removeTool(std::string_view name) {
  return impl_->tools.remove(name);
}
bool Server::removePrompt(std::string_view name) {
  return impl_->prompts.remove(name);
}
bool Server::removeResource(std::string_view uri) {
  return impl_->resources.remove(uri);
}
bool Server::removeTemplate(std::string_view uri_template) {
  return impl_->templates.remove(uri_template);
}

bool Server::removeSkill(std::string_view uri) {
  const auto* found = impl_->skills.find(uri);
  if (found == nullptr) return false;
  for (const Resource& resource : (*found)->resources) impl_->resources.remove(resource.uri);
  return impl_->skills.remove(uri);
}

void Server::toolsChanged() {
  impl_->audience.changed(Change::Tools);
}
void Server::promptsChanged() {
  impl_->audience.changed(Change::Prompts);
}
void Server::resourcesChanged() {
  impl_->audience.changed(Change::Resources);
}
bool Server::elicitationComplete(const std::string& elicitation_id) {
  return impl_->elicitations.complete(elicitation_id);
}
std::size_t Server::listening() const {
  return impl_->audience.listening();
}
void Server::log(LogLevel level, std::string_view logger, const Json& data) {
  impl_->audience.log(level, logger, data);
}
void Server::onWatched(std::function<void()> callback) {
  impl_->audience.onWatched(std::move(callback));
}
void Server::resourceUpdated(std::string_view uri, const MayHear& may_hear) {
  impl_->audience.updated(uri, may_hear);
}
std::set<std::string> Server::watchingSessions() {
  return impl_->audience.watchingSessions();
}
std::vector<std::string> Server::watchedUris() {
  return impl_->audience.watched();
}

}  // namespace tutti::mcp
