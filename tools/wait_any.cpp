#include "tools/wait_any.hpp"

#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "tools/await_run.hpp"
#include "tools/run_report.hpp"

namespace tutti::tools {

Result<Json> WaitAny::run(store::Connection& db, const std::vector<std::string>& session_ids) {
  Json finished = Json::array();
  Json unfinished = Json::array();
  for (const std::string& id : session_ids) {
    auto session = agents::findSession(db, id);
    if (!session.ok()) return std::move(session).error();
    auto run = agents::latestRun(db, session->session_id);
    if (!run.ok()) return std::move(run).error();
    (agents::isTerminal(run->status) ? finished : unfinished).push_back(runLine(*run));
  }
  return Json(
      Json::object({{"finished", std::move(finished)}, {"unfinished", std::move(unfinished)}}));
}

void WaitAny::handle(const Context& context, const CallPtr& call) {
  auto given = json::readStrings(call->arguments(), "session_ids");
  if (!given.ok()) return call->finish(std::move(given).error());
  const std::vector<std::string> ids = given->value_or(std::vector<std::string>{});
  const auto limit = toMillis(json::numberOr(call->arguments(), "wait_s", 25));
  auto answer = std::make_shared<Json>();
  withSessionIds(context, call, ids,
                 [&context, call, limit, answer](std::vector<std::string> real) {
                   runner::WaitRequest wait;
                   wait.session_ids = real;
                   wait.limit = limit;
                   wait.look = [real, answer](store::Connection& db) -> Result<bool> {
                     auto found = run(db, real);
                     if (!found.ok()) return std::move(found).error();
                     *answer = std::move(*found);
                     return !(*answer)["finished"].empty();
                   };
                   wait.progress = [call](std::chrono::milliseconds waited) {
                     call->progress(static_cast<double>(waited.count()) / 1000.0, std::nullopt,
                                    "none has ended yet");
                   };
                   wait.done = [call, answer](Result<bool> found) {
                     if (!found.ok()) return call->finish(std::move(found).error());
                     call->finish(mcp::ToolOutput{std::move(*answer), {}});
                   };
                   waitFor(context, call, std::move(wait));
                 });
}

}  // namespace tutti::tools
