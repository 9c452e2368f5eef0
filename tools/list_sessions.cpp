#include "tools/list_sessions.hpp"

#include <nlohmann/json.hpp>

namespace tutti::tools {

agents::SessionFilter ListSessions::decode(const Json& arguments) {
  agents::SessionFilter filter;
  const std::string status = json::stringOr(arguments, "status", "");
  if (!status.empty()) filter.status = agents::parseSessionStatus(status);
  filter.agent_name = json::stringOr(arguments, "blueprint", "");
  filter.parent_session_id = json::stringOr(arguments, "parent_session_id", "");
  filter.project_dir = json::stringOr(arguments, "project_dir", "");
  filter.before = json::stringOr(arguments, "cursor", "");
  filter.count_max = json::integerOr(arguments, "limit", 50);
  return filter;
}

Result<Json> ListSessions::run(store::Connection& db, const agents::SessionFilter& filter) {
  auto page = agents::listSessions(db, filter);
  if (!page.ok()) return std::move(page).error();
  Json sessions = Json::array();
  for (const agents::Session& session : page->sessions) sessions.push_back(agents::toJson(session));
  Json answer = Json::object({{"sessions", std::move(sessions)}});
  if (!page->next.empty()) answer["next_cursor"] = page->next;
  return answer;
}

void ListSessions::handle(const Context& context, const CallPtr& call) {
  finishWithRead(context, call, [filter = decode(call->arguments())](store::Connection& db) {
    return run(db, filter);
  });
}

}  // namespace tutti::tools
