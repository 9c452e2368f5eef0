// skills/list, skills/get and resources/directory/read.
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"

namespace tutti::mcp {
namespace {

/// Ends `body`, an object without its brace, with how long it holds.
void answer(const Server::Impl& server, const Request& request, std::string body) {
  if (request.context.modern()) {
    appendJsonMember(body, "ttlMs", std::to_string(server.options.list_ttl_ms));
    body.append(",\"cacheScope\":\"public\"").append(server.tail.modern);
  }
  body += '}';
  request.result(body);
}

WireError notThere(std::string_view kind, const std::string& uri) {
  WireError error = resourceNotFound(uri, true);
  error.body.message = std::string(kind) + " not found: " + shortened(uri, 200);
  return error;
}

}  // namespace

void getSkill(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  const std::string* uri = stringParameter(request, "uri");
  if (uri == nullptr)
    return request.error(invalidParams("'uri' must be a string: that of the skill's SKILL.md"));
  server.refreshSkills();
  const auto* skill = server.skills.find(*uri);
  if (skill == nullptr) return request.error(notThere("Skill", *uri));
  answer(server, request, "{\"skill\":" + (*skill)->entry);
}

void readDirectory(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  const std::string* uri = stringParameter(request, "uri");
  if (uri == nullptr) return request.error(invalidParams("'uri' must be a string: a directory's"));
  const std::string* cursor = stringParameter(request, "cursor");
  if (cursor != nullptr && !cursor->empty())
    return request.error(invalidParams("'cursor' is not one of this list", "invalid_cursor",
                                       "a directory has one page"));
  server.refreshSkills();
  const auto entries = folderEntries(server.skills, *uri, request.context.revision);
  if (!entries) return request.error(notThere("Directory", *uri));
  answer(server, request, "{\"resources\":" + *entries);
}

}  // namespace tutti::mcp
