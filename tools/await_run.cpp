#include "tools/await_run.hpp"

#include <nlohmann/json.hpp>

#include "tools/route_report.hpp"

namespace tutti::tools {
namespace {

/// What the last look saw. Written by a reader's thread before it reports, read on the I/O thread
/// after.
struct Seen {
  agents::Session session;
  agents::Run run;
  Json route;  ///< what the routing engine makes of a run that failed; null when it is not its
};

Result<bool> look(store::Connection& db, const AwaitRun& request, Seen& seen) {
  if (!request.run_id.empty()) {
    auto run = agents::findRun(db, request.run_id);
    if (!run.ok()) return std::move(run).error();
    seen.run = std::move(*run);
  }
  auto session = agents::findSession(
      db, request.session_id.empty() ? seen.run.session_id : request.session_id);
  if (!session.ok()) return std::move(session).error();
  seen.session = std::move(*session);
  if (request.run_id.empty()) {
    auto run = agents::latestRun(db, seen.session.session_id);
    if (!run.ok()) return std::move(run).error();
    seen.run = std::move(*run);
  }
  if (seen.run.session_id != seen.session.session_id)
    return Error(Code::InvalidArgument,
                 "run '" + request.run_id + "' is not of session '" + request.session_id + "'",
                 "give one of the two");
  if (seen.run.status == agents::RunStatus::Failed) seen.route = routeOfRun(db, seen.run.run_id);
  return agents::isTerminal(seen.run.status);
}

void beginWait(const Context& context, const CallPtr& call, const AwaitRun& request,
               const std::string& session_id) {
  auto seen = std::make_shared<Seen>();
  runner::WaitRequest wait;
  wait.session_ids = {session_id};
  wait.limit = request.limit;
  wait.look = [request, seen](store::Connection& db) { return look(db, request, *seen); };
  wait.progress = [call](std::chrono::milliseconds waited) {
    const double seconds = static_cast<double>(waited.count()) / 1000.0;
    call->progress(seconds, std::nullopt,
                   "still running after " + std::to_string(waited.count() / 1000) + " s");
  };
  wait.done = [call, seen, request](Result<bool> found) {
    if (!found.ok()) return call->finish(std::move(found).error());
    Json report = runReport(seen->session, seen->run, request.window);
    if (!seen->route.is_null()) report["route"] = std::move(seen->route);
    call->finish(mcp::ToolOutput{std::move(report), {}});
  };
  waitFor(context, call, std::move(wait));
}

}  // namespace

bool detachWait(const CallPtr& call) {
  constexpr std::chrono::minutes kFetchMax{15};
  mcp::TaskOptions options = kWaitTask;
  if (const Json* wait = json::find(call->arguments(), "wait_s"))
    options.ttl_ms = std::chrono::milliseconds(toMillis(wait->get<double>()) + kFetchMax).count();
  return call->detach(options);
}

void waitFor(const Context& context, const CallPtr& call, runner::WaitRequest wait) {
  wait.before_waiting = [call, limit = wait.limit] {
    const bool named = json::find(call->arguments(), "wait_s") != nullptr;
    const bool is_task = detachWait(call);
    return is_task && !named ? std::chrono::milliseconds(kWaitTask.ttl_ms) : limit;
  };
  wait.progress_every = context.progress_every;
  // Weakly, since the wait keeps the call: its timer keeps it.
  const std::weak_ptr<runner::Waiter::Wait> running = context.waiter.begin(std::move(wait));
  call->onCancelled([running] {
    if (const auto waiting = running.lock()) waiting->cancel();
  });
}

void withSessionIds(const Context& context, const CallPtr& call,
                    std::vector<std::string> ids_or_names,
                    std::function<void(std::vector<std::string>)> then) {
  auto ids = std::make_shared<std::vector<std::string>>();
  context.store.read(
      [wanted = std::move(ids_or_names), ids](store::Connection& db) -> Status {
        for (const std::string& id_or_name : wanted) {
          auto session = agents::findSession(db, id_or_name);
          if (!session.ok()) return std::move(session).error();
          ids->push_back(session->session_id);
        }
        return ok();
      },
      [post = context.post, call = call, ids, then = std::move(then)](Status status) mutable {
        post([call = std::move(call), ids, then = std::move(then), status = std::move(status)] {
          if (!status.ok()) return call->finish(status.error());
          then(std::move(*ids));
        });
      });
}

void withSessionId(const Context& context, const CallPtr& call, const std::string& id_or_name,
                   std::function<void(const std::string&)> then) {
  withSessionIds(context, call, {id_or_name},
                 [then = std::move(then)](std::vector<std::string> ids) { then(ids.front()); });
}

void awaitRun(const Context& context, const CallPtr& call, AwaitRun request) {
  if (request.session_id.starts_with("ses_") || request.limit.count() == 0)
    return beginWait(context, call, request, request.session_id);
  if (!request.session_id.empty())
    return withSessionId(context, call, request.session_id,
                         [&context, call, request](const std::string& id) {
                           beginWait(context, call, request, id);
                         });
  // Only the run is known; its session is what can be watched.
  auto session_id = std::make_shared<std::string>();
  context.store.read(
      [request, session_id](store::Connection& db) -> Status {
        auto run = agents::findRun(db, request.run_id);
        if (!run.ok()) return std::move(run).error();
        *session_id = run->session_id;
        return ok();
      },
      [&context, call = call, request, session_id](Status status) mutable {
        context.post(
            [&context, call = std::move(call), request, session_id, status = std::move(status)] {
              if (!status.ok()) return call->finish(status.error());
              beginWait(context, call, request, *session_id);
            });
      });
}

}  // namespace tutti::tools
