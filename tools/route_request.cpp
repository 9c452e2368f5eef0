#include "tools/route_request.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "server/base/clock.hpp"
#include "server/routing/router.hpp"
#include "tools/await_run.hpp"
#include "tools/handle.hpp"
#include "tools/route_judge.hpp"
#include "tools/route_report.hpp"

namespace tutti::tools {
namespace {

using routing::DecisionStatus;
using InputPtr = std::shared_ptr<const RouteRequest::Input>;

/// Everything about a decision that a transaction needs.
struct Prepared {
  RouteRequest::Input input;
  Json answer;
  routing::StoredDecision decision;
  Dispatch dispatch;
  agents::SessionLimits limits;
  std::string task_id;  ///< "" while the call is no task
  bool cached = false;
};

/// How long a call waits for what it starts.
AnswerOptions dispatchWait(const RouteRequest::Input& input) {
  const bool waits = input.request.to_start && input.sync;
  return {waits ? agents::ExecutionMode::Sync : agents::ExecutionMode::AsyncPoll, input.wait};
}

/// A decision as the transaction left it.
struct Stored {
  routing::StoredDecision decision;
  std::vector<routing::Attempt> attempts;
  bool repeated = false;  ///< an earlier call with the same key made it
};

/// What an earlier call with the same key has made, if there was one.
Result<std::optional<Stored>> earlier(store::Connection& db, const RouteRequest::Input& input) {
  if (input.idempotency_key.empty()) return std::optional<Stored>();
  auto known = agents::findIdempotent(db, RouteRequest::kName, input.idempotency_key, input.body);
  if (!known.ok()) return std::move(known).error();
  if (!*known) return std::optional<Stored>();
  auto found = routing::findDecision(db, **known);
  if (!found.ok()) return std::move(found).error();
  return std::optional<Stored>(
      Stored{std::move(*found), routing::attemptsOf(db, **known), /*repeated=*/true});
}

Result<Stored> keep(store::Tx& tx, const Prepared& prepared) {
  const RouteRequest::Input& input = prepared.input;
  if (Status wanted = checkWanted(tx, prepared.task_id); !wanted.ok())
    return std::move(wanted).error();
  auto known = earlier(tx, input);
  if (!known.ok()) return std::move(known).error();
  if (*known) return std::move(**known);
  Stored stored;
  stored.decision = routing::addDecision(tx, prepared.decision);
  auto attempts =
      startAll(tx, stored.decision.decision_id, prepared.dispatch.starts, prepared.limits);
  if (!attempts.ok()) return std::move(attempts).error();
  stored.attempts = std::move(*attempts);
  if (!input.idempotency_key.empty())
    agents::saveIdempotent(tx, RouteRequest::kName, input.idempotency_key, input.body,
                           stored.decision.decision_id, prepared.decision.created_at);
  return stored;
}

Json told(const Stored& stored, const Prepared& prepared) {
  Json report = decisionReport(stored.decision, stored.attempts, {});
  report["cached"] = prepared.cached;
  if (!stored.repeated && !prepared.dispatch.note.empty()) report["note"] = prepared.dispatch.note;
  return report;
}

void finishTold(const CallPtr& call, Json report) {
  std::string text = decisionText(report);
  call->finish(mcp::ToolOutput{std::move(report), std::move(text)});
}

/// What a wait for a dispatched decision saw last. Written by a reader's thread before it reports.
struct SeenRoute {
  Stored stored;
  Json results;  ///< of its parts, in order
};

Result<bool> look(store::Connection& db, SeenRoute& seen) {
  const std::string id = seen.stored.decision.decision_id;
  auto decision = routing::findDecision(db, id);
  if (!decision.ok()) return std::move(decision).error();
  seen.stored.decision = std::move(*decision);
  seen.stored.attempts = routing::attemptsOf(db, id);
  if (seen.stored.decision.status == DecisionStatus::Dispatched) return false;
  seen.results = partResults(db, seen.stored.decision, seen.stored.attempts);
  return true;
}

/// Over fallbacks and stages too. A decision has no events of its own, and the session that ended
/// it may be deleted before that is noted.
void awaitOutcome(const Context& context, const CallPtr& call, Stored stored,
                  std::shared_ptr<const Prepared> prepared) {
  auto seen = std::make_shared<SeenRoute>(SeenRoute{std::move(stored), Json()});
  runner::WaitRequest wait;
  wait.commits = true;
  wait.limit = prepared->input.wait;
  wait.look = [seen](store::Connection& db) { return look(db, *seen); };
  wait.progress = [call](std::chrono::milliseconds waited) {
    call->progress(static_cast<double>(waited.count()) / 1000.0, std::nullopt,
                   "still running after " + std::to_string(waited.count() / 1000) + " s");
  };
  wait.done = [call, seen, prepared](Result<bool> found) {
    if (!found.ok()) return call->finish(std::move(found).error());
    Json report = told(seen->stored, *prepared);
    if (seen->results.is_array() && !seen->results.empty()) {
      report["result"] = seen->results.back();
      if (seen->results.size() > 1) report["results"] = std::move(seen->results);
    }
    finishTold(call, std::move(report));
  };
  waitFor(context, call, std::move(wait));
}

/// A decision, and what came of asking an agent, if that was thought of.
struct Decided {
  routing::Decider::Answer answer;
  std::optional<Judged> judged;

  Json told() const {
    Json report = answer.decision->answer;
    if (judged) report[judged->member()] = judged->told;
    return report;
  }
};

routing::StoredDecision rowOf(const RouteRequest::Input& input, const Decided& made,
                              const Dispatch& dispatch, const mcp::Caller& caller) {
  const routing::RouteDecision& decision = *made.answer.decision;
  routing::StoredDecision row;
  row.created_at = isoTimestamp(Clock::system().now());
  row.caller_session_id = caller.agent_session_id;
  row.request = input.request.request;
  row.request_hash = decision.request_hash;
  row.strategy = routing::name(decision.strategy.type);
  row.agent = decision.agent;
  row.status = dispatch.starts.empty() ? DecisionStatus::Decided : DecisionStatus::Dispatched;
  row.attempts_max = dispatch.attempts_max;
  row.dispatch = dispatch.kept;
  row.answer = json::dump(made.told());
  return row;
}

void answerStored(const Context& context, const CallPtr& call, Stored stored,
                  std::shared_ptr<const Prepared> prepared) {
  if (stored.attempts.empty() || !prepared->input.sync)
    return finishTold(call, told(stored, *prepared));
  awaitOutcome(context, call, std::move(stored), std::move(prepared));
}

void decided(const Context& context, const CallPtr& call, const RouteRequest::Input& input,
             const Decided& made) {
  const routing::RouteDecision& decision = *made.answer.decision;
  if (input.dry_run) {
    Json report = made.told();
    report["status"] = routing::toString(DecisionStatus::Decided);
    report["cached"] = made.answer.cached;
    return finishTold(call, std::move(report));
  }
  auto prepared = std::make_shared<Prepared>();
  prepared->input = input;
  prepared->cached = made.answer.cached;
  prepared->limits = context.supervisor.limits();
  if (input.request.to_start) {
    auto dispatch = prepareDispatch(context, decision, input.dispatch, call->caller());
    if (!dispatch.ok()) return call->finish(std::move(dispatch).error());
    prepared->dispatch = std::move(*dispatch);
  }
  prepared->input.idempotency_key = startedKey(call, input.idempotency_key, dispatchWait(input));
  prepared->task_id = call->taskId();
  prepared->decision = rowOf(input, made, prepared->dispatch, call->caller());
  write<Stored>(
      context, [prepared](store::Tx& tx) { return keep(tx, *prepared); },
      [&context, call, prepared](Result<Stored> stored) {
        if (!stored.ok()) return call->finish(std::move(stored).error());
        if (!stored->attempts.empty()) context.supervisor.pumpLaunches();
        answerStored(context, call, std::move(*stored), prepared);
      });
}

/// Decides again by the verdict, if there is one.
void judgedSo(const Context& context, const CallPtr& call, const InputPtr& input, Decided made) {
  if (!made.judged->verdict) return decided(context, call, *input, made);
  routing::RouteRequest request = input->request;
  request.verdict = made.judged->verdict;
  context.router->route(std::move(request), [&context, call, input, made = std::move(made)](
                                                Result<routing::Decider::Answer> answer) {
    const routing::Verdict& verdict = *made.judged->verdict;
    if (!answer.ok()) {  // the decision without it still stands
      Decided without = made;
      without.judged = notJudged(
          verdict.by, "its verdict came, and could not be used: " + answer.error().text());
      without.judged->told["session_id"] = made.judged->told["session_id"];
      return decided(context, call, *input, without);
    }
    const std::string& chosen = (*answer).decision->agent;
    Decided again{std::move(*answer), made.judged};
    again.answer.cached = made.answer.cached;
    if (!verdict.agent.empty() && chosen != verdict.agent)
      again.judged =
          notJudged(verdict.by, "it chose " + verdict.agent + ", who may not be chosen any more");
    decided(context, call, *input, again);
  });
}

/// Puts a close call to the judge, where that is allowed.
void judge(const Context& context, const CallPtr& call, const InputPtr& input, Decided made) {
  const routing::CloseCall& close = made.answer.decision->close_call;
  const std::string name = judgeFor(context.route_judge, input->ask_agent);
  if (name.empty()) return decided(context, call, *input, made);
  if (close.because.empty()) {
    if (input->ask_agent) made.judged = notJudged(name, "the decision is clear without it");
    return decided(context, call, *input, made);
  }
  if (input->dry_run) {
    made.judged =
        notJudged(name, "a dry run starts no agent; else it would be asked, for " + close.because);
    return decided(context, call, *input, made);
  }
  (void)startedKey(call, input->idempotency_key,
                   dispatchWait(*input));  // its wait is the task's too
  JudgeQuestion question{name,
                         close,
                         input->request.request,
                         input->request.context,
                         input->dispatch.project_dir,
                         input->dispatch.parent_session_id};
  askJudge(context, call, std::move(question),
           [&context, call, input, made = std::move(made)](Judged judged) mutable {
             made.judged = std::move(judged);
             judgedSo(context, call, input, std::move(made));
           });
}

void decide(const Context& context, const CallPtr& call, const InputPtr& input) {
  context.router->route(input->request,
                        [&context, call, input](Result<routing::Decider::Answer> answer) {
                          if (!answer.ok()) return call->finish(std::move(answer).error());
                          judge(context, call, input, {std::move(*answer), std::nullopt});
                        });
}

/// Gives what the first call with the key has made, else decides.
void decideOnce(const Context& context, const CallPtr& call, const InputPtr& input) {
  auto known = std::make_shared<std::optional<Stored>>();
  context.store.read(
      [input, known](store::Connection& db) -> Status {
        auto found = earlier(db, *input);
        if (!found.ok()) return std::move(found).error();
        *known = std::move(*found);
        return ok();
      },
      [&context, call = call, input, known](Status status) mutable {
        context.post([&context, call = std::move(call), input, known, status = std::move(status)] {
          if (!status.ok()) return call->finish(status.error());
          if (!*known && call->repeated()) return refuseLost(call);
          if (!*known) return decide(context, call, input);
          auto prepared = std::make_shared<Prepared>();
          prepared->input = *input;
          answerStored(context, call, std::move(**known), std::move(prepared));
        });
      });
}

}  // namespace

Result<RouteRequest::Input> RouteRequest::decode(const Json& arguments) {
  Input input;
  input.request.request = json::stringOr(arguments, "request", "");
  input.request.context = json::stringOr(arguments, "context", "");
  auto candidates = json::readStrings(arguments, "candidates");
  if (!candidates.ok()) return std::move(candidates).error();
  if (*candidates) input.request.candidates = std::move(**candidates);
  if (const Json* constraints = json::find(arguments, "constraints")) {
    auto read = routing::constraintsFrom(*constraints);
    if (!read.ok()) return std::move(read).error();
    input.request.constraints = std::move(*read);
  }
  input.request.to_start = json::booleanOr(arguments, "dispatch", false);
  if (const Json* asked = json::find(arguments, "ask_agent")) input.ask_agent = asked->get<bool>();
  input.dry_run = json::booleanOr(arguments, "dry_run", false);
  if (input.request.to_start && input.dry_run)
    return Error(Code::InvalidArgument, "both dispatch and dry_run are given",
                 "a dry run starts nothing: give one of them");
  input.dispatch.request = input.request.request;
  input.dispatch.context = input.request.context;
  input.dispatch.project_dir = json::stringOr(arguments, "project_dir", "");
  input.dispatch.name = json::stringOr(arguments, "name", "");
  input.dispatch.model = json::stringOr(arguments, "model", "");
  input.dispatch.parent_session_id = json::stringOr(arguments, "parent_session_id", "");
  input.dispatch.attempts_max = json::integerOr(arguments, "attempts_max", 3);
  input.sync = json::stringOr(arguments, "mode", "async_poll") == "sync";
  input.wait = toMillis(json::numberOr(arguments, "wait_s", 45));
  input.idempotency_key = json::stringOr(arguments, "idempotency_key", "");
  if (!input.idempotency_key.empty()) input.body = bodyWithoutKey(arguments);
  return input;
}

void RouteRequest::handle(const Context& context, const CallPtr& call) {
  auto decoded = decode(call->arguments());
  if (!decoded.ok()) return call->finish(std::move(decoded).error());
  if (call->repeated())
    decoded->idempotency_key = startedKey(call, decoded->idempotency_key, dispatchWait(*decoded));
  auto input = std::make_shared<const Input>(std::move(*decoded));
  if (input->idempotency_key.empty() || input->dry_run) return decide(context, call, input);
  decideOnce(context, call, input);
}

}  // namespace tutti::tools
