// Driver "claude": one long-lived `claude -p` in stream-json is one session, each user record a
// turn.
//
// A turn ends with its `result` record, whatever the process does afterwards. A process that ends
// without one has failed the turn, with its stderr as the only explanation.
#include <nlohmann/json.hpp>

#include "server/base/ids.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/runner/drivers/claude_command.hpp"
#include "server/runner/drivers/claude_records.hpp"
#include "server/runner/drivers/conversation.hpp"
#include "server/runner/drivers/driver.hpp"
#include "server/runner/drivers/permission_desk.hpp"
#include "server/runner/pipe_reader.hpp"
#include "server/runner/pipe_writer.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kStderrTailMax = 4'096;
constexpr int kLaunchesMax = 3;  ///< of one turn: resume, fresh, fresh with another id
constexpr std::int64_t kExitAfterEndMs =
    2'000;  ///< a process that closed its output ends by itself
constexpr char kConversationFile[] = "conversation.json";

/// How a turn came to its conversation.
enum class Origin { New, LiveProcess, Resumed, Fresh };

struct Turn {
  std::string prompt;
  Origin origin = Origin::New;
  std::string fresh_reason;
  int launches = 0;
  bool bound = false;
  bool interrupted = false;
};

class ClaudeDriver final : public Driver {
 public:
  explicit ClaudeDriver(DriverHost& host)
      : host_(host),
        end_timer_(host.loop().timer()),
        desk_(host, [this](const ClaudeRequest& request, const PermissionDesk::Answer& answer) {
          send(answer.allow ? allowRecord(request.request_id, request.input)
                            : denyRecord(request.request_id, answer.message));
        }) {}

  ~ClaudeDriver() override {
    if (pid_ > 0) host_.reaper().forget(pid_);
    std::error_code ignored;  // it may hold secrets
    std::filesystem::remove(host_.hostFile(kMcpConfigFile), ignored);
  }

  void begin(const RunSpec& run) override;
  void halt() override;
  Status interrupt() override;
  Status approve(const Approval& approval) override { return desk_.approve(approval); }

 private:
  // Processes.
  void launch();
  void watch(ChildProcess child);
  void send(const std::string& record);
  void exited(ChildExit exit);
  void outputEnded();
  bool startedAnew(std::string why);
  RunOutcome outcomeOfExit(ChildExit exit) const;

  // Records.
  void readLine(std::string_view line);
  void lineTooLong(std::size_t bytes);
  void bind(const ClaudeInit& init);
  void resultCame(const Json& record);
  void endTurn(RunOutcome outcome);

  DriverHost& host_;
  std::unique_ptr<Loop::Timer> end_timer_;
  PermissionDesk desk_;
  ClaudeReader reader_;
  ClaudeStart start_;
  int pid_ = -1;
  std::unique_ptr<PipeWriter> stdin_;
  std::unique_ptr<PipeReader> stdout_;
  std::unique_ptr<PipeReader> stderr_;
  std::unique_ptr<LineSplitter> lines_;
  std::string errors_;  ///< the last of stderr
  std::optional<Turn> turn_;
  Conversation conversation_;         ///< as last seen, in this host or an earlier one
  std::string unknown_conversation_;  ///< why a resume found nothing, until the process has gone
  bool halted_ = false;
};

// --- turns ---

void ClaudeDriver::begin(const RunSpec& run) {
  turn_.emplace();
  turn_->prompt = run.prompt;
  Json block = Json::object();
  block["type"] = "text";
  block["text"] = run.prompt;
  Json data = Json::object();
  data["role"] = "user";
  data["content"] = Json::array({block});
  host_.event("message", data);
  if (!turn_) return;  // the disk was full: the host has ended the turn

  if (pid_ > 0 && stdout_ && !stdout_->ended()) {
    turn_->origin = Origin::LiveProcess;
    return send(userRecord(turn_->prompt));
  }
  const HostSpec& spec = host_.spec();
  conversation_ = Conversation::load(host_.sessionFile(kConversationFile));
  if (spec.executor_session_id.empty()) {
    start_ = {ClaudeStart::Kind::New, spec.new_executor_session_id};
    if (start_.session_id.empty()) start_.session_id = newUuid();
  } else {
    start_ = {ClaudeStart::Kind::Resume, spec.executor_session_id};
    turn_->origin = Origin::Resumed;
  }
  launch();
}

void ClaudeDriver::halt() {
  halted_ = true;
  end_timer_->cancel();
  desk_.clear();
}

Status ClaudeDriver::interrupt() {
  if (!turn_ || pid_ <= 0)
    return Error(Code::Conflict, "no turn is on that could be interrupted").named("no_turn");
  turn_->interrupted = true;
  send(interruptRecord(newUuid()));
  return ok();
}

void ClaudeDriver::endTurn(RunOutcome outcome) {
  if (!turn_) return;
  turn_.reset();
  desk_.clear();
  Json data = Json::object();
  if (outcome.result_text) data["result_text"] = *outcome.result_text;
  if (outcome.result_data) data["result_data"] = *outcome.result_data;
  if (outcome.more) {
    for (const char* key : {"num_turns", "cost_usd", "permission_denials"}) {
      if (outcome.more->contains(key)) data[key] = (*outcome.more)[key];
    }
    if (outcome.more->contains("usage")) {
      Json usage = Json::object();
      for (const char* key : {"usage", "model_usage", "cost_usd", "cost_usd_total"}) {
        if (outcome.more->contains(key)) usage[key] = (*outcome.more)[key];
      }
      host_.event("usage", usage);
    }
  }
  if (outcome.result_text || outcome.result_data) host_.event("result", data);
  host_.runEnded(std::move(outcome));
}

// --- processes ---

void ClaudeDriver::launch() {
  ++turn_->launches;
  Result<std::vector<std::string>> words =
      claudeArguments(host_.spec(), start_, host_.hostFile(""));
  if (!words.ok()) return endTurn(RunOutcome::failed(words.error()));
  ChildCommand command;
  command.argv = std::move(words).value();
  command.environment = environmentOf(host_.spec());
  command.folder = host_.spec().project_dir;
  command.stdin_piped = true;
  Result<ChildProcess> child = ChildProcess::start(command);
  if (!child.ok()) return endTurn(RunOutcome::failed(child.error()));
  host_.agentStarted(*child);
  watch(std::move(child).value());
  // Nothing is printed before the first record, so there is nothing to wait for.
  if (turn_) send(userRecord(turn_->prompt));
}

void ClaudeDriver::watch(ChildProcess child) {
  Loop& loop = host_.loop();
  pid_ = child.pid;
  errors_.clear();
  host_.reaper().expect(pid_, [this](ChildExit exit) { exited(exit); });
  lines_ = std::make_unique<LineSplitter>(
      static_cast<std::size_t>(host_.spec().line_bytes_max),
      [this](std::string_view line) { readLine(line); },
      [this](std::size_t bytes) { lineTooLong(bytes); });
  stdin_ = std::make_unique<PipeWriter>(loop, std::move(child.stdin_pipe));
  stdout_ = std::make_unique<PipeReader>(
      loop, std::move(child.stdout_pipe), [this](std::string_view block) { lines_->feed(block); },
      [this] { outputEnded(); });
  stderr_ = std::make_unique<PipeReader>(
      loop, std::move(child.stderr_pipe),
      [this](std::string_view block) {
        errors_.append(block);
        if (errors_.size() > 2 * kStderrTailMax) errors_.erase(0, errors_.size() - kStderrTailMax);
      },
      [] {});
}

void ClaudeDriver::send(const std::string& record) {
  if (stdin_) stdin_->write(record);
}

void ClaudeDriver::outputEnded() {
  lines_->finish();
  if (pid_ <= 0 || halted_) return;
  end_timer_->after(kExitAfterEndMs, [this] {
    if (turn_) {
      return endTurn(RunOutcome::failed(
          Error(Code::Internal, "the agent closed its output in the middle of a turn, but lives on")
              .named("agent_no_result")));
    }
    host_.agentEnded({1, 0});
  });
}

void ClaudeDriver::exited(ChildExit exit) {
  pid_ = -1;
  end_timer_->cancel();
  stdin_.reset();
  // What the process itself wrote is all there; children that still hold the pipes are not awaited.
  stdout_->drain();
  stderr_->drain();
  if (!stdout_->ended()) lines_->finish();
  if (halted_) return;
  if (!turn_) return host_.agentEnded(exit);
  if (!unknown_conversation_.empty() && startedAnew(unknown_conversation_)) return;
  if (errors_.find("No conversation found") != std::string::npos &&
      start_.kind == ClaudeStart::Kind::Resume && startedAnew("No conversation found"))
    return;
  if (errors_.find("is already in use") != std::string::npos &&
      start_.kind == ClaudeStart::Kind::New && startedAnew(""))
    return;
  endTurn(outcomeOfExit(exit));
}

/// Begins a new conversation in place of one that cannot be had. Not without end. `why` is a copy:
/// it may be the member that is cleared here.
bool ClaudeDriver::startedAnew(std::string why) {
  unknown_conversation_.clear();
  if (turn_->bound || turn_->launches >= kLaunchesMax) return false;
  const bool first_choice_taken = start_.kind == ClaudeStart::Kind::New;
  std::string id = host_.spec().new_executor_session_id;
  if (first_choice_taken || id.empty() || id == start_.session_id) id = newUuid();
  if (!why.empty()) {
    turn_->origin = Origin::Fresh;
    turn_->fresh_reason = std::move(why);
    conversation_ = {};
  }
  start_ = {ClaudeStart::Kind::New, id};
  launch();
  return true;
}

RunOutcome ClaudeDriver::outcomeOfExit(ChildExit exit) const {
  std::string tail = toValidUtf8(errors_);
  if (tail.size() > kStderrTailMax) tail.erase(0, tail.size() - kStderrTailMax);
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == ' ')) tail.pop_back();
  if (!tail.empty()) tail.insert(0, ": ");
  if (exit.success()) {
    return RunOutcome::failed(
        Error(Code::Internal, "the agent exited without a result" + toValidUtf8(tail))
            .named("agent_no_result"));
  }
  return RunOutcome::failed(
      Error(Code::Internal, "the agent " + exit.text() + " without a result" + toValidUtf8(tail))
          .named("agent_exited"));
}

// --- records ---

void ClaudeDriver::lineTooLong(std::size_t bytes) {
  Json data = Json::object();
  data["bytes"] = bytes;
  data["line_bytes_max"] = host_.spec().line_bytes_max;
  host_.event("line_too_long", data);
}

void ClaudeDriver::readLine(std::string_view line) {
  ClaudeReading reading = reader_.read(line);
  if (reading.init) bind(*reading.init);
  for (const ClaudeEvent& event : reading.events) host_.event(event.type, event.data);
  if (reading.compacted) {
    conversation_.compacted = true;
    conversation_.save(host_.sessionFile(kConversationFile));
  }
  if (!reading.cancelled_request.empty()) desk_.withdraw(reading.cancelled_request);
  if (reading.request && reading.request->subtype == "can_use_tool" && !halted_) {
    desk_.ask(std::move(*reading.request), turn_.has_value());
  } else if (reading.request && !halted_) {
    send(refusalRecord(reading.request->request_id,
                       "'" + reading.request->subtype + "' is not served here"));
  }
  if (reading.result.is_object()) resultCame(reading.result);
}

void ClaudeDriver::bind(const ClaudeInit& init) {
  if (!turn_ || turn_->bound) return;
  turn_->bound = true;
  Conversation now{init.session_id, init.model, init.cwd, conversation_.compacted};
  Json data = Json::object();
  data["executor_session_id"] = init.session_id;
  data["model"] = init.model;
  data["version"] = init.version;
  if (init.mcp_servers.is_array() && !init.mcp_servers.empty())
    data["mcp_servers_failed"] = init.mcp_servers;
  if (turn_->origin == Origin::Fresh) {
    data["resume_mode"] = "fresh";
    data["resume_reason"] = turn_->fresh_reason;
  }
  if (turn_->origin == Origin::LiveProcess || turn_->origin == Origin::Resumed) {
    // Compared with what was asked for, which is known even when nothing else is.
    Conversation before = conversation_;
    if (before.executor_session_id != start_.session_id)
      before = {start_.session_id, "", "", false};
    const std::vector<std::string> losses = lossesBetween(before, now);
    data["resume_mode"] = losses.empty() ? "resumed" : "resumed_lossy";
    std::string reason;
    for (const std::string& loss : losses) reason += (reason.empty() ? "" : "; ") + loss;
    if (!losses.empty()) data["resume_reason"] = reason;
    now.compacted = before.compacted;
  }
  start_.session_id = init.session_id;
  conversation_ = now;
  conversation_.save(host_.sessionFile(kConversationFile));
  host_.event("bind", data);
}

void ClaudeDriver::resultCame(const Json& record) {
  if (!turn_) {
    log::info("a result of no turn of ours", {{"session_id", host_.spec().session_id}});
    return;
  }
  if (!turn_->bound && start_.kind == ClaudeStart::Kind::Resume && isUnknownConversation(record)) {
    unknown_conversation_ = "No conversation found with session ID " + start_.session_id;
    if (stdin_) stdin_->close();  // it ends by itself; its exit begins the fresh one
    return;
  }
  // The agent finished something of its own (a background task): our prompt is still queued.
  if (json::integerOr(record, "queued_turn_count", 0) > 0) return;
  if (!turn_->bound) {
    ClaudeInit init;
    init.session_id = json::stringOr(record, "session_id", start_.session_id);
    init.model = conversation_.model;
    init.cwd = conversation_.cwd;
    bind(init);
  }
  RunOutcome outcome = outcomeFromResult(record, host_.spec().output_schema, turn_->interrupted);
  outcome.agent_lives = pid_ > 0 && !stdout_->ended();
  endTurn(std::move(outcome));
}

}  // namespace

std::unique_ptr<Driver> makeClaudeDriver(DriverHost& host) {
  return std::make_unique<ClaudeDriver>(host);
}

}  // namespace tutti::runner
