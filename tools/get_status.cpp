#include "tools/get_status.hpp"

#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"

namespace tutti::tools {

Result<Json> GetStatus::run(store::Connection& db, const std::string& session_id) {
  auto session = agents::findSession(db, session_id);
  if (!session.ok()) return std::move(session).error();
  auto run = agents::latestRun(db, session->session_id);
  if (!run.ok()) return std::move(run).error();
  Json run_row = agents::toJson(*run);
  for (const char* key : {"result_text", "result_data", "outcome", "parameters"})
    run_row.erase(key);

  agents::SessionFilter of_parent;
  of_parent.parent_session_id = session->session_id;
  of_parent.count_max = 100;
  auto page = agents::listSessions(db, of_parent);
  if (!page.ok()) return std::move(page).error();
  Json children = Json::array();
  for (const agents::Session& child : page->sessions)
    children.push_back(Json::object({{"session_id", child.session_id},
                                     {"blueprint", child.agent_name},
                                     {"status", agents::toString(child.status)}}));
  const auto last = agents::lastEvent(db, session->session_id);
  return Json(Json::object({{"session", agents::toJson(*session)},
                            {"run", std::move(run_row)},
                            {"last_event", last ? agents::toJson(*last) : Json(nullptr)},
                            {"children", std::move(children)}}));
}

void GetStatus::handle(const Context& context, const CallPtr& call) {
  finishWithRead(context, call,
                 [id = json::stringOr(call->arguments(), "session_id", "")](store::Connection& db) {
                   return run(db, id);
                 });
}

}  // namespace tutti::tools
