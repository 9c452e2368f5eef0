// What reaches a host from outside: signals and the commands of its socket.
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/runner/control.hpp"
#include "server/runner/host_session.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kRunSpecBytesMax = 128U * 1024 * 1024;
constexpr std::int64_t kGraceMaxMs = 600'000;

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
    status = ending_ ? Status(conflict(std::string(kHostEnding), "the host is ending"))
                     : driver_->interrupt();
  if (name == "approve") status = obeyApprove(command);
  return ackOf(command, status);
}

Status HostSession::obeyTurn(const std::string& run_id) {
  if (!isSafeId(run_id))
    return Error(Code::InvalidArgument, "run_id is missing or not an id").named("invalid_run_id");
  if ((run_ && run_->spec.run_id == run_id) || ended_runs_.contains(run_id)) return ok();
  const std::filesystem::path folder = layout_.run(run_id);
  if (std::filesystem::exists(folder / "outcome.json")) return ok();
  if (ending_) return conflict(std::string(kHostEnding), "the host is ending: " + ending_->reason);
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
  if (ending_) return conflict(std::string(kHostEnding), "the host is ending");
  const std::string behavior = json::stringOr(command, "behavior", "");
  if (behavior != "allow" && behavior != "deny")
    return Error(Code::InvalidArgument, "behavior is 'allow' or 'deny'").named("invalid_behavior");
  Approval approval;
  approval.request_id = json::stringOr(command, "request_id", "");
  approval.allow = behavior == "allow";
  approval.message = json::stringOr(command, "message", "");
  return driver_->approve(approval);
}

}  // namespace tutti::runner
