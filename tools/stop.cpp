#include "tools/stop.hpp"

#include <nlohmann/json.hpp>

#include "server/base/clock.hpp"
#include "tools/await_run.hpp"

namespace tutti::tools {
namespace {
/// The proof: of the run that was stopped, else of the host that held an idle agent.
Json stopReport(store::Connection& db, const agents::StopRequest& request) {
  std::string told;
  if (!request.run_id.empty()) {
    auto run = agents::findRun(db, request.run_id);
    if (run.ok()) told = run->outcome;
  } else if (const auto exited = agents::lastEvent(db, request.session.session_id, "host_exited")) {
    told = exited->data;
  }
  Result<Json> outcome = json::parse(told.empty() ? "{}" : told);
  const Json* report = outcome.ok() ? json::find(*outcome, "stop_report") : nullptr;
  return report == nullptr ? Json(nullptr) : *report;
}
}  // namespace

Result<agents::StopRequest> Stop::run(store::Tx& tx, const std::string& session_id,
                                      const std::string& owner) {
  return agents::requestStop(tx, session_id, owner, isoTimestamp(Clock::system().now()));
}

Result<Json> Stop::report(store::Connection& db, const agents::StopRequest& request) {
  auto session = agents::findSession(db, request.session.session_id);
  if (!session.ok()) return std::move(session).error();
  const bool stopped = agents::isTerminal(session->status) && !session->host_live;
  Json answer = Json::object({{"session_id", session->session_id},
                              {"session_status", agents::toString(session->status)},
                              {"stopped", stopped},
                              {"already_over", request.already_over},
                              {"stop_report", stopReport(db, request)}});
  if (!request.run_id.empty()) answer["run_id"] = request.run_id;
  return answer;
}

void Stop::handle(const Context& context, const CallPtr& call) {
  const std::string id = json::stringOr(call->arguments(), "session_id", "");
  const auto limit = toMillis(json::numberOr(call->arguments(), "wait_s", 20));
  const std::string owner = context.supervisor.replicaId();
  write<agents::StopRequest>(
      context, [id, owner](store::Tx& tx) { return run(tx, id, owner); },
      [&context, call, limit](Result<agents::StopRequest> request) {
        if (!request.ok()) return call->finish(std::move(request).error());
        context.supervisor.pump();
        auto answer = std::make_shared<Json>();
        runner::WaitRequest wait;
        wait.session_ids = {request->session.session_id};
        wait.limit = limit;
        wait.look = [answer, found = *request](store::Connection& db) -> Result<bool> {
          auto told = report(db, found);
          if (!told.ok()) return std::move(told).error();
          *answer = std::move(*told);
          return (*answer)["stopped"].get<bool>();
        };
        wait.progress = [call](std::chrono::milliseconds waited) {
          call->progress(static_cast<double>(waited.count()) / 1000.0, std::nullopt,
                         "its processes are not gone yet");
        };
        wait.done = [call, answer](Result<bool> found) {
          if (!found.ok()) return call->finish(std::move(found).error());
          call->finish(mcp::ToolOutput{std::move(*answer), {}});
        };
        waitFor(context, call, std::move(wait));
      });
}

}  // namespace tutti::tools
