// Every list: a page of bytes, its cursor, and how long it holds.
#include <utility>

#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"

namespace tutti::mcp {
namespace {

/// `key` is the member that holds the entries.
template <class List>
void answerPage(const Server::Impl& server, Request& request, List& list, std::string_view key) {
  const Json* given = request.params.is_object() ? json::find(request.params, "cursor") : nullptr;
  if (given != nullptr && !given->is_string())
    return request.error(invalidParams("'cursor' must be a string"));
  const std::string_view cursor =
      given == nullptr ? std::string_view() : given->get_ref<const std::string&>();
  const auto page = list.page(request.context.revision, cursor);
  if (!page)
    return request.error(invalidParams("'cursor' is not one of this list", "invalid_cursor",
                                       "list again from the start, without a cursor"));
  std::string head = "{\"";
  head.append(key).append("\":");
  // The array's own bracket, so that members may follow.
  const std::string_view open_array = page->entries.substr(0, page->entries.size() - 1);
  std::string tail;
  tail.reserve(server.tail.modern.size() + 128);
  tail += ']';
  appendTextMember(tail, "nextCursor", page->next_cursor);
  if (request.context.modern()) {
    appendJsonMember(tail, "ttlMs", std::to_string(server.options.list_ttl_ms));
    tail.append(",\"cacheScope\":\"public\"").append(server.tail.modern);
  }
  tail += '}';
  request.result({head, open_array, tail});
}

}  // namespace

void listTools(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  answerPage(server, request, server.tools, "tools");
}
void listPrompts(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  answerPage(server, request, server.prompts, "prompts");
}
void listResources(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  server.refreshSkills();
  answerPage(server, request, server.resources, "resources");
}
void listTemplates(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  answerPage(server, request, server.templates, "resourceTemplates");
}

void listSkills(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  server.refreshSkills();
  answerPage(server, request, server.skills, "skills");
}

}  // namespace tutti::mcp
