#include <nlohmann/json.hpp>

#include "server/runner/host_session.hpp"

#include <unistd.h>

#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/runner/footprint.hpp"

namespace tutti::runner {
namespace {

using agents::RunStatus;
using agents::SessionStatus;

constexpr std::size_t kEndedRunsMax = 1'024;  ///< older ones are known by their outcome.json

/// After the beginning or the end of a run: by then what was touched for it only lies about.
constexpr std::int64_t kShrinkAfterMs = 500;

SessionStatus overStatus(RunStatus status) {
  if (status == RunStatus::Completed) return SessionStatus::Finished;
  return status == RunStatus::Stopped ? SessionStatus::Stopped : SessionStatus::Failed;
}

}  // namespace

HostSession::HostSession(Layout layout, HostSpec spec)
    : layout_(std::move(layout)),
      spec_(std::move(spec)),
      tree_(loop_, reaper_),
      writer_(loop_, hostFile("reserve")),
      control_(
          loop_, [this] { return hello(); }, [this](const Json& command) { return obey(command); }),
      run_timer_(loop_.timer()),
      idle_timer_(loop_.timer()),
      quiet_timer_(loop_.timer()) {}

HostSession::~HostSession() = default;

std::filesystem::path HostSession::sessionFile(std::string_view name) const {
  return layout_.sessionHosts(spec_.session_id) / name;
}

std::filesystem::path HostSession::hostFile(std::string_view name) const {
  return layout_.host(spec_.session_id, spec_.generation) / name;
}

int HostSession::run() {
  watchSignals();
  if (Status listening = control_.listen(); !listening.ok()) {
    log::error("cannot serve the control socket", {{"error", listening.error().message()}});
    return 1;
  }
  writeState(nullptr);
  Result<std::unique_ptr<Driver>> driver = makeDriver(*this);
  if (driver.ok())
    driver_ = std::move(driver).value();
  else
    takeDown({SessionStatus::Failed, std::string(driver.error().name()), std::nullopt, nullptr}, 0);
  writer_.prepare();
  waitForTurn();
  loop_.run();
  return 0;
}

// --- runs ---

void HostSession::beginRun(RunSpec run) {
  idle_timer_->cancel();
  quiet_timer_->after(kShrinkAfterMs, shrinkFootprint);
  ActiveRun active;
  active.folder = layout_.run(run.run_id);
  active.spec = std::move(run);
  run_ = std::move(active);
  Result<SpoolWriter> spool =
      SpoolWriter::open(run_->folder, {spec_.spool_bytes_max, spec_.events_max});
  if (!spool.ok()) return diskFailed(spool.error());
  run_->spool = std::move(spool).value();

  Json data = Json::object();
  data["driver"] = spec_.driver;
  data["generation"] = spec_.generation;
  event("run_start", data);
  if (run_->spec.timeout_ms > 0) {
    run_timer_->after(run_->spec.timeout_ms, [this] {
      const std::string limit = std::to_string(run_->spec.timeout_ms);
      Error error = Error(Code::DeadlineExceeded, "the run was not over after " + limit + " ms",
                          "give it more time or less to do")
                        .named("run_timeout");
      takeDown({SessionStatus::Failed, "run_timeout", RunOutcome::failed(error), nullptr},
               spec_.stop_grace_ms);
    });
  }
  // Later, so that the acknowledgement goes out before anything that the run does.
  loop_.post([this] {
    if (!ending_) driver_->begin(run_->spec);
  });
}

void HostSession::event(std::string_view type, const Json& data) {
  if (!run_ || !run_->spool || run_->writing) {
    log::debug("event outside of a run", {{"event_type", type}});
    return;
  }
  if (Status written = run_->spool->append(type, data); !written.ok())
    return diskFailed(written.error());
  if (spool_announced_) return;
  spool_announced_ = true;
  loop_.post([this] { announceSpool(); });
}

void HostSession::announceSpool() {
  spool_announced_ = false;
  if (!run_ || !run_->spool) return;
  Json body = Json::object();
  body["run_id"] = run_->spec.run_id;
  body["bytes"] = run_->spool->bytes();
  Json message = Json::object();
  message["spool"] = std::move(body);
  control_.broadcast(message);
}

void HostSession::agentStarted(const ChildProcess& process) {
  writeState(&process);
  Json data = Json::object();
  data["pid"] = process.pid;
  event("agent_started", data);
}

void HostSession::runEnded(RunOutcome outcome) {
  if (!run_ || run_->writing) return;
  if (ending_) {
    if (outcome.status == RunStatus::Completed) late_ = std::move(outcome);
    return;
  }
  if (outcome.agent_lives) return finishRun(std::move(outcome), SessionStatus::Idle, nullptr);
  const SessionStatus status = overStatus(outcome.status);
  takeDown({status, "agent_ended", std::move(outcome), nullptr}, spec_.stop_grace_ms);
}

void HostSession::finishRun(RunOutcome outcome, SessionStatus session_status, const Json& report) {
  run_timer_->cancel();
  if (late_) {  // paid for and done, so it is kept although the run counts as stopped
    outcome.result_text = std::move(late_->result_text);
    outcome.result_data = std::move(late_->result_data);
    if (late_->more) outcome.more = std::move(late_->more);
  }
  if (run_->spool) {
    if (Status synced = run_->spool->finish(); !synced.ok())
      log::error("the spool could not be completed", {{"error", synced.error().message()}});
  }
  announceSpool();
  run_->writing = true;
  Json whole = outcomeJson(outcome, session_status);
  if (!report.is_null())
    whole[ending_->reason == "agent_ended" ? "left_behind" : "stop_report"] = report;
  const std::string run_id = run_->spec.run_id;
  writer_.write(run_->folder / "outcome.json", json::dump(whole), [this, run_id] {
    Json body = Json::object();
    body["run_id"] = run_id;
    Json message = Json::object();
    message["outcome"] = std::move(body);
    control_.broadcast(message);
    if (ended_runs_.size() >= kEndedRunsMax) ended_runs_.clear();
    ended_runs_.insert(run_id);
    run_.reset();
    if (ending_) return;
    loop_.post(shrinkFootprint);  // and again when what follows has been seen to
    waitForTurn();
  });
}

Json HostSession::outcomeJson(const RunOutcome& outcome, SessionStatus session_status) const {
  Json whole = outcome.more ? *outcome.more : Json::object();
  whole["run_id"] = run_->spec.run_id;
  whole["session_id"] = spec_.session_id;
  whole["generation"] = spec_.generation;
  whole["status"] = agents::toString(outcome.status);
  whole["session_status"] = agents::toString(session_status);
  whole["completed_at"] = isoTimestamp(Clock::system().now());
  if (!outcome.error.empty()) {
    whole["error"] = outcome.error;
    whole["error_name"] = outcome.error_name;
    whole["error_hint"] = outcome.error_hint;
  }
  if (!outcome.error_details.empty()) {
    if (const Result<Json> details = json::parse(outcome.error_details); details.ok())
      whole["error_details"] = *details;
  }
  if (outcome.result_text) whole["result_text"] = *outcome.result_text;
  if (outcome.result_data) whole["result_data"] = *outcome.result_data;
  if (late_) whole["late_result"] = true;
  if (run_->spool) {
    whole["spool_bytes"] = run_->spool->bytes();
    whole["events"] = run_->spool->events();
    whole["events_dropped"] = run_->spool->dropped();
  }
  return whole;
}

void HostSession::waitForTurn() {
  quiet_timer_->after(kShrinkAfterMs, shrinkFootprint);
  const bool first = ended_runs_.empty();  // which is on its way, however short agents may idle
  idle_timer_->after(first ? spec_.first_turn_max_ms : spec_.idle_max_ms, [this] {
    if (!run_)
      takeDown({SessionStatus::Finished, "idle", std::nullopt, nullptr}, spec_.stop_grace_ms);
  });
}

// --- the end ---

void HostSession::agentEnded(ChildExit exit) {
  Json particulars = Json::object();
  particulars["exit_code"] = exit.code;
  particulars["signal"] = exit.signal;
  const SessionStatus status = exit.success() ? SessionStatus::Finished : SessionStatus::Failed;
  takeDown({status, "agent_exited", std::nullopt, std::move(particulars)}, spec_.stop_grace_ms);
}

void HostSession::stop(std::int64_t grace_ms) {
  RunOutcome outcome;
  outcome.status = RunStatus::Stopped;
  outcome.error = "Session was manually stopped";
  outcome.error_name = "stopped";
  takeDown({SessionStatus::Stopped, "stop", std::move(outcome), nullptr}, grace_ms);
}

void HostSession::diskFailed(const Error& error) {
  log::error("the spool cannot be written", {{"error", error.message()}});
  takeDown({SessionStatus::Failed, std::string(error.name()), RunOutcome::failed(error), nullptr},
           spec_.stop_grace_ms);
}

void HostSession::takeDown(Ending ending, std::int64_t grace_ms) {
  if (ending_) return;
  ending_ = std::move(ending);
  run_timer_->cancel();
  idle_timer_->cancel();
  log::info("ending", {{"reason", ending_->reason}});
  if (driver_) driver_->halt();
  tree_.start(grace_ms, [this](const StopReport& report) { treeGone(report); });
}

void HostSession::treeGone(const StopReport& report) {
  const Json as_json = toJson(report);
  const bool left_behind = ending_->reason == "agent_ended";
  if (left_behind && report.members > 0) event("processes_ended", as_json);
  if (run_ && !run_->writing) {
    RunOutcome outcome = ending_->outcome ? std::move(*ending_->outcome) : RunOutcome();
    const bool tell = !left_behind || report.members > 0;
    finishRun(std::move(outcome), ending_->session_status, tell ? as_json : Json(nullptr));
  }
  writeExit(as_json);
}

void HostSession::writeExit(const Json& report) {
  Json whole = ending_->particulars.is_object() ? ending_->particulars : Json::object();
  whole["session_status"] = agents::toString(ending_->session_status);
  whole["reason"] = ending_->reason;
  whole["at"] = isoTimestamp(Clock::system().now());
  whole["stop_report"] = report;
  writer_.write(hostFile("exit.json"), json::dump(whole), [this] {
    Json body = Json::object();
    body["status"] = agents::toString(ending_->session_status);
    body["reason"] = ending_->reason;
    Json message = Json::object();
    message["exit"] = std::move(body);
    control_.broadcast(message);
    ::unlink(hostFile("reserve").c_str());
    control_.close();
    loop_.stop();
  });
}

void HostSession::writeState(const ChildProcess* agent) {
  Json whole = Json::object();
  whole["session_id"] = spec_.session_id;
  whole["generation"] = spec_.generation;
  whole["host"] = processJson(::getpid());
  whole["agent"] = agent != nullptr ? processJson(agent->pid) : Json(nullptr);
  if (Status written = replaceFile(hostFile("state.json"), json::dump(whole)); !written.ok())
    log::warning("state.json cannot be written", {{"error", written.error().message()}});
}

}  // namespace tutti::runner
