#include <nlohmann/json.hpp>

#include "server/runner/host_session.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "server/base/clock.hpp"
#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/base/log.hpp"

namespace tutti::runner {
namespace {

using agents::RunStatus;
using agents::SessionStatus;

constexpr std::size_t kRunSpecBytesMax = 128U * 1024 * 1024;
constexpr std::size_t kEndedRunsMax = 1'024;  ///< older ones are known by their outcome.json
constexpr std::int64_t kGraceMaxMs = 600'000;

SessionStatus overStatus(RunStatus status) {
  if (status == RunStatus::Completed) return SessionStatus::Finished;
  return status == RunStatus::Stopped ? SessionStatus::Stopped : SessionStatus::Failed;
}

Error conflict(std::string name, std::string message) {
  return Error(Code::Conflict, std::move(message)).named(std::move(name));
}

Json ackOf(const Json& command, const Status& status) {
  Json ack = Json::object();
  ack["cmd"] = json::stringOr(command, "cmd", "");
  if (const Json* run_id = json::find(command, "run_id")) ack["run_id"] = *run_id;
  ack["ok"] = status.ok();
  if (!status.ok()) {
    ack["error"] = status.error().message();
    ack["error_name"] = std::string(status.error().name());
  }
  Json message = Json::object();
  message["ack"] = std::move(ack);
  return message;
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
      idle_timer_(loop_.timer()) {}

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

// --- signals and commands
// ----------------------------------------------------------------------------

void HostSession::watchSignals() {
  for (const int ignored : {SIGPIPE, SIGHUP, SIGXFSZ}) std::signal(ignored, SIG_IGN);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int taken : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&set, taken);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  signals_watch_ = loop_.watch(signals_.get());
  signals_watch_->reading([this] { takeSignals(); });
}

void HostSession::takeSignals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) stop(spec_.stop_grace_ms);
  }
  reaper_.reap();
  tree_.wake();
}

Json HostSession::hello() const {
  Json body = Json::object();
  body["session_id"] = spec_.session_id;
  body["generation"] = spec_.generation;
  body["pid"] = ::getpid();
  body["run_id"] = run_ ? Json(run_->spec.run_id) : Json(nullptr);
  Json message = Json::object();
  message["hello"] = std::move(body);
  return message;
}

Json HostSession::obey(const Json& command) {
  const std::string name = json::stringOr(command, "cmd", "");
  Status status =
      Error(Code::InvalidArgument, "unknown command '" + name + "'").named("unknown_command");
  if (name == "turn") status = obeyTurn(json::stringOr(command, "run_id", ""));
  if (name == "stop") status = obeyStop(command);
  if (name == "interrupt")
    status = ending_ ? Status(conflict("host_ending", "the host is ending")) : driver_->interrupt();
  if (name == "approve") status = obeyApprove(command);
  return ackOf(command, status);
}

Status HostSession::obeyTurn(const std::string& run_id) {
  if (!isSafeId(run_id))
    return Error(Code::InvalidArgument, "run_id is missing or not an id").named("invalid_run_id");
  if ((run_ && run_->spec.run_id == run_id) || ended_runs_.contains(run_id)) return ok();
  const std::filesystem::path folder = layout_.run(run_id);
  if (std::filesystem::exists(folder / "outcome.json")) return ok();
  if (ending_) return conflict("host_ending", "the host is ending: " + ending_->reason);
  if (run_) return conflict("run_active", "run '" + run_->spec.run_id + "' is not over");

  Result<std::string> text = readFile(folder / "run.json", kRunSpecBytesMax);
  if (!text.ok()) return text.error();
  json::ParseLimits limits;
  limits.bytes_max = kRunSpecBytesMax;
  const Result<Json> parsed = json::parse(*text, limits);
  if (!parsed.ok()) return parsed.error();
  Result<RunSpec> run = runSpecFromJson(*parsed);
  if (!run.ok()) return run.error();
  if (run->run_id != run_id || run->session_id != spec_.session_id)
    return Error(Code::InvalidArgument,
                 "run.json of '" + run_id + "' is for another run or session");
  if (run->generation != spec_.generation)
    return conflict("stale_generation", "run '" + run_id + "' is for generation " +
                                            std::to_string(run->generation) + ", this host is " +
                                            std::to_string(spec_.generation));
  beginRun(std::move(run).value());
  return ok();
}

Status HostSession::obeyStop(const Json& command) {
  stop(std::clamp<std::int64_t>(json::integerOr(command, "grace_ms", spec_.stop_grace_ms), 0,
                                kGraceMaxMs));
  return ok();
}

Status HostSession::obeyApprove(const Json& command) {
  if (ending_) return conflict("host_ending", "the host is ending");
  const std::string behavior = json::stringOr(command, "behavior", "");
  if (behavior != "allow" && behavior != "deny")
    return Error(Code::InvalidArgument, "behavior is 'allow' or 'deny'").named("invalid_behavior");
  Approval approval;
  approval.request_id = json::stringOr(command, "request_id", "");
  approval.allow = behavior == "allow";
  approval.message = json::stringOr(command, "message", "");
  return driver_->approve(approval);
}

// --- runs
// --------------------------------------------------------------------------------------------

void HostSession::beginRun(RunSpec run) {
  idle_timer_->cancel();
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
    if (!ending_) waitForTurn();
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
  idle_timer_->after(spec_.idle_max_ms, [this] {
    if (!run_)
      takeDown({SessionStatus::Finished, "idle", std::nullopt, nullptr}, spec_.stop_grace_ms);
  });
}

// --- the end
// -----------------------------------------------------------------------------------------

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
