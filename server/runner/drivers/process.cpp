#include <nlohmann/json.hpp>

#include "server/runner/drivers/process.hpp"

#include <unistd.h>

#include <algorithm>

#include "server/base/text.hpp"
#include "server/runner/drivers/driver.hpp"
#include "server/runner/output_check.hpp"
#include "server/runner/pipe_reader.hpp"
#include "server/runner/process_tree.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kStderrBytesMax = 1U << 20;  ///< kept for the result
constexpr std::size_t kStderrTailMax = 4'096;      ///< shown in an error message
constexpr std::size_t kProgressLineMax = 65'536;
constexpr std::size_t kProgressShownMax = 2'048;
constexpr double kProgressBurstMax = 100;     ///< lines at once
constexpr double kProgressPerSecondMax = 20;  ///< lines in the long run
/// How long a pipe may stay open after the program has exited, held by what it left behind.
constexpr std::int64_t kLingerMs = 200;

std::string plainText(const Json& value) {
  return value.is_string() ? value.get<std::string>() : json::dump(value);
}

std::string listText(const Json& list) {
  std::string text;
  for (const Json& item : list) {
    if (!text.empty()) text += ",";
    text += plainText(item);
  }
  return text;
}

std::string tailOf(const std::string& text, std::size_t size_max) {
  const std::size_t start = text.size() > size_max ? text.size() - size_max : 0;
  std::string tail = toValidUtf8(std::string_view(text).substr(start));
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == ' ')) tail.pop_back();
  return start == 0 ? tail : "… " + tail;
}

/// Lets a burst through, then a steady trickle.
class RateLimit {
 public:
  bool allow() {
    const std::int64_t now = steadyMillis();
    tokens_ = std::min(kProgressBurstMax, tokens_ + static_cast<double>(now - last_ms_) *
                                                        kProgressPerSecondMax / 1000);
    last_ms_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double tokens_ = kProgressBurstMax;
  std::int64_t last_ms_ = steadyMillis();
};

class ProcessDriver final : public Driver {
 public:
  explicit ProcessDriver(DriverHost& host)
      : host_(host),
        linger_(host.loop().timer()),
        progress_(
            kProgressLineMax, [this](std::string_view line) { progress(line); },
            [this](std::size_t) { ++progress_dropped_; }) {}

  ~ProcessDriver() override {
    if (pid_ > 0) host_.reaper().forget(pid_);
  }

  void begin(const RunSpec& run) override;
  void halt() override {}

 private:
  void takeStdout(std::string_view block);
  void takeStderr(std::string_view block);
  void progress(std::string_view line);
  void exited(ChildExit exit);
  void concludeWhenRead();
  void conclude();
  void end(RunOutcome outcome);
  RunOutcome judge();
  Json wholeOutput() const;

  DriverHost& host_;
  int pid_ = -1;
  std::unique_ptr<PipeReader> stdout_;
  std::unique_ptr<PipeReader> stderr_;
  std::unique_ptr<Loop::Timer> linger_;
  std::string output_;
  std::string errors_;
  bool errors_cut_ = false;
  LineSplitter progress_;
  RateLimit rate_;
  std::int64_t progress_dropped_ = 0;
  std::optional<ChildExit> exit_;
  bool ended_ = false;
};

void ProcessDriver::begin(const RunSpec& run) {
  const HostSpec& spec = host_.spec();
  ChildCommand command;
  command.argv = spec.command;
  for (std::string& word : argumentsOf(run.parameters)) command.argv.push_back(std::move(word));
  command.environment = environmentOf(spec);
  command.folder = spec.project_dir;
  Result<ChildProcess> child = ChildProcess::start(command);
  if (!child.ok()) return end(RunOutcome::failed(child.error()));

  pid_ = child->pid;
  host_.reaper().expect(pid_, [this](ChildExit exit) { exited(exit); });
  host_.agentStarted(*child);
  stdout_ = std::make_unique<PipeReader>(
      host_.loop(), std::move(child->stdout_pipe),
      [this](std::string_view block) { takeStdout(block); }, [this] { concludeWhenRead(); });
  stderr_ = std::make_unique<PipeReader>(
      host_.loop(), std::move(child->stderr_pipe),
      [this](std::string_view block) { takeStderr(block); }, [this] { concludeWhenRead(); });
}

void ProcessDriver::takeStdout(std::string_view block) {
  if (ended_) return;
  output_.append(block);
  const auto size_max = static_cast<std::size_t>(host_.spec().output_bytes_max);
  if (output_.size() <= size_max) return;
  end(RunOutcome::failed(Error(Code::ResourceExhausted,
                               "the program printed more than output_bytes_max (" +
                                   std::to_string(size_max) + ") bytes",
                               "let it write a file and print its path")
                             .named("output_too_large")));
}

void ProcessDriver::takeStderr(std::string_view block) {
  if (ended_) return;
  const std::size_t room = kStderrBytesMax - std::min(kStderrBytesMax, errors_.size());
  errors_.append(block.substr(0, room));
  errors_cut_ = errors_cut_ || block.size() > room;
  progress_.feed(block);
}

void ProcessDriver::progress(std::string_view line) {
  if (line.empty()) return;
  if (!rate_.allow()) {
    ++progress_dropped_;
    return;
  }
  Json data = Json::object();
  data["text"] = shortened(toValidUtf8(line), kProgressShownMax);
  host_.event("progress", data);
}

void ProcessDriver::exited(ChildExit exit) {
  pid_ = -1;
  exit_ = exit;
  if (ended_) return;
  // All that the program itself wrote is in the pipes by now. Only what it left behind may hold
  // them open, and nobody waits for that for long.
  linger_->after(kLingerMs, [this] { conclude(); });
  if (stdout_) stdout_->drain();
  if (stderr_) stderr_->drain();
  concludeWhenRead();
}

void ProcessDriver::concludeWhenRead() {
  if (exit_ && stdout_->ended() && stderr_->ended()) conclude();
}

void ProcessDriver::conclude() {
  if (ended_) return;
  linger_->cancel();
  progress_.finish();
  end(judge());
}

Json ProcessDriver::wholeOutput() const {
  Json whole = Json::object();
  whole["return_code"] = exit_->signal != 0 ? -exit_->signal : exit_->code;
  whole["stdout"] = toValidUtf8(output_);
  whole["stderr"] = toValidUtf8(errors_);
  if (errors_cut_) whole["stderr_cut"] = true;
  return whole;
}

RunOutcome ProcessDriver::judge() {
  if (!exit_->success()) {
    const std::string tail = tailOf(errors_.empty() ? output_ : errors_, kStderrTailMax);
    RunOutcome outcome = RunOutcome::failed(
        Error(Code::Internal, "the program " + exit_->text() + (tail.empty() ? "" : ": " + tail))
            .named("agent_exited"));
    outcome.more = std::make_shared<Json>(Json::object());
    (*outcome.more)["output"] = wholeOutput();
    return outcome;
  }
  json::ParseLimits limits;
  limits.bytes_max = static_cast<std::size_t>(host_.spec().output_bytes_max);
  Result<Json> parsed = json::parse(output_, limits);
  Json value = parsed.ok() ? std::move(parsed).value() : wholeOutput();
  if (const auto error = checkOutput(host_.spec().output_schema, value)) {
    RunOutcome outcome = RunOutcome::failed(*error);
    outcome.more = std::make_shared<Json>(Json::object());
    (*outcome.more)["output"] = wholeOutput();
    return outcome;
  }
  RunOutcome outcome;
  outcome.status = agents::RunStatus::Completed;
  outcome.result_data = std::make_shared<const Json>(std::move(value));
  return outcome;
}

void ProcessDriver::end(RunOutcome outcome) {
  if (ended_) return;
  ended_ = true;
  if (progress_dropped_ > 0) {
    Json data = Json::object();
    data["lines"] = progress_dropped_;
    host_.event("progress_dropped", data);
  }
  if (outcome.result_data) {
    Json data = Json::object();
    data["result_data"] = *outcome.result_data;
    host_.event("result", data);
  }
  std::string().swap(output_);
  host_.runEnded(std::move(outcome));
}

}  // namespace

std::vector<std::string> argumentsOf(const Json& parameters) {
  std::vector<std::string> words;
  if (!parameters.is_object()) return words;
  for (const auto& [key, value] : parameters.items()) {
    if (value.is_null() || (value.is_boolean() && !value.get<bool>())) continue;
    words.push_back("--" + key);
    if (value.is_boolean()) continue;
    words.push_back(value.is_array() ? listText(value) : plainText(value));
  }
  return words;
}

Status checkArguments(const Json& parameters) {
  constexpr std::size_t kPagesMax = 32;  // MAX_ARG_STRLEN of Linux
  const std::size_t bytes_max =
      kPagesMax * static_cast<std::size_t>(std::max(::sysconf(_SC_PAGESIZE), 4096L));
  const std::string hint = "put it into a file and pass that file's path";
  if (!parameters.is_object()) return ok();
  for (const auto& [key, value] : parameters.items()) {
    const std::string name = "the parameter '" + shortened(key, 60) + "' has ";
    for (const std::string& word : argumentsOf(Json::object({{key, value}}))) {
      if (word.size() >= bytes_max)
        return Error(Code::InvalidArgument,
                     name + std::to_string(word.size()) +
                         " bytes, and a program's argument may have " +
                         std::to_string(bytes_max - 1),
                     hint)
            .named("arguments_too_long");
      if (word.find('\0') != std::string::npos)
        return Error(Code::InvalidArgument,
                     name + "a NUL character, at which a program's argument ends", hint)
            .named("argument_has_nul");
    }
  }
  return ok();
}

std::unique_ptr<Driver> makeProcessDriver(DriverHost& host) {
  return std::make_unique<ProcessDriver>(host);
}

}  // namespace tutti::runner
