#include "server/toolhost/mounted_call.hpp"

#include <cmath>
#include <utility>

#include "server/mcp/log_level.hpp"
#include "server/toolhost/connection.hpp"
#include "server/toolhost/mount.hpp"
#include "server/toolhost/roots.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;

namespace {

constexpr std::size_t kQuestionsWaitingMax = 8;

struct Asked {
  mcp::InputRequest::Method method;
  mcp::ClientFeature feature;
};

Asked askedOf(const client::Question& question) {
  const Json& params = question.params();
  switch (question.method()) {
    case client::Question::Method::Sample:
      return {mcp::InputRequest::Method::Sample, json::find(params, "tools") == nullptr
                                                     ? mcp::ClientFeature::Sampling
                                                     : mcp::ClientFeature::SamplingTools};
    case client::Question::Method::ListRoots:
      return {mcp::InputRequest::Method::ListRoots, mcp::ClientFeature::Roots};
    case client::Question::Method::Elicit:
      break;
  }
  const bool url = json::stringOr(params, "mode", "form") == "url";
  return {mcp::InputRequest::Method::Elicit,
          url ? mcp::ClientFeature::ElicitUrl : mcp::ClientFeature::ElicitForm};
}

std::string keyOf(int number) {
  return "question" + std::to_string(number);
}

}  // namespace

Error ofServer(const std::string& server, const Error& error) {
  return Error(error.code(), "tool server '" + server + "': " + error.message(), error.hint())
      .named(std::string(error.name()))
      .withDetails(error.details());
}

void MountedCall::start(client::Client& to) {
  client::CallOptions options;
  options.time_max_ms = static_cast<std::int64_t>(std::ceil(mount_->spec().timeout_s * 1000));
  if (const auto level = round_->caller->logLevel())
    options.log_level = std::string(mcp::logLevelName(*level));
  const std::weak_ptr<MountedCall> weak = weak_from_this();
  if (round_->caller->wantsProgress())
    options.on_progress = [weak](const client::Progress& progress) {
      const auto self = weak.lock();
      if (self && self->round_)
        self->round_->caller->progress(progress.value, progress.total, progress.message);
    };
  ticket_ = round_->send(
      to, std::move(options),
      [self = shared_from_this()](Result<client::Reply> reply) { self->ended(std::move(reply)); });
  if (ticket_ == 0) return;  // ended already, at a bound
  mount_->calls_[ticket_] = weak;
  watchCaller();
}

void MountedCall::watchCaller() {
  round_->caller->onCancelled([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel("the caller withdrew");
  });
}

void MountedCall::cancel(std::string_view why) {
  if (mount_->connection_) mount_->connection_->client().cancel(ticket_, why);
}

void MountedCall::ended(Result<client::Reply> reply) {
  mount_->calls_.erase(ticket_);
  if (!reply.ok() && reply.error().name() == "request_timeout") mount_->checkOwner();
  reply_ = std::move(reply);
  next_questions_.clear();
  if (round_) finish();
}

void MountedCall::finish() {
  const Passing round = std::move(*std::exchange(round_, std::nullopt));
  Result<client::Reply> reply = std::move(*reply_);
  round.caller->onCancelled([] {});
  const bool answered = reply.ok();
  if (!answered) {
    if (const auto pages = client::requiredPages(reply.error()); !pages.empty()) {
      ++mount_->calls_failed_;
      return round.caller->needPages(pages);
    }
    reply = mount_->forCaller(reply.error());
  }
  const bool good = round.finish(std::move(reply)) && answered;
  ++(good ? mount_->calls_ok_ : mount_->calls_failed_);
}

void MountedCall::ask(std::shared_ptr<client::Question> question) {
  if (next_questions_.size() >= kQuestionsWaitingMax)
    return question->refuse(Error(Code::ResourceExhausted, "too many questions of one call wait"));
  next_questions_.push_back(std::move(question));
  askNext();
}

/// A server that asks for roots always gets some: the caller's, or those of tutti itself.
bool MountedCall::answeredHere() {
  const bool roots = question_->method() == client::Question::Method::ListRoots;
  if (!roots || round_->caller->clientCan(mcp::ClientFeature::Roots)) return false;
  std::exchange(question_, nullptr)->answer(rootsFor(mount_->spec()));
  return true;
}

void MountedCall::askNext() {
  while (round_ && !next_questions_.empty()) {
    question_ = std::move(next_questions_.front());
    next_questions_.pop_front();
    if (answeredHere()) continue;
    const Asked asked = askedOf(*question_);
    if (!round_->caller->clientCan(asked.feature)) {
      std::exchange(question_, nullptr)
          ->refuse(Error(Code::FailedPrecondition, "the caller cannot be asked that"));
      continue;
    }
    const std::string state = mount_->park(shared_from_this());
    if (state.empty()) {
      std::exchange(question_, nullptr)
          ->refuse(Error(Code::ResourceExhausted, "parked_max calls wait for answers already"));
      continue;
    }
    mcp::InputNeeded needed;
    needed.requests.push_back({keyOf(++questions_asked_), asked.method, question_->params()});
    needed.state = state;
    const auto caller = std::exchange(round_, std::nullopt)->caller;
    caller->onCancelled([] {});
    caller->needInput(std::move(needed));
  }
}

void MountedCall::resume(Passing passing) {
  const auto kept = shared_from_this();
  round_ = std::move(passing);
  if (reply_) return finish();
  watchCaller();
  const auto question = std::exchange(question_, nullptr);
  const Json* answer = round_->caller->answer(keyOf(questions_asked_));
  if (answer != nullptr)
    question->answer(*answer);
  else
    question->refuse(Error(Code::InvalidArgument, "the caller came back without an answer"));
  askNext();
}

void MountedCall::log(mcp::LogLevel level, const std::string& logger, const Json& data) {
  if (round_) round_->caller->log(level, logger, data);
}

void MountedCall::expire() {
  const auto kept = shared_from_this();
  question_ = nullptr;
  if (!reply_) cancel("the question was not answered in time");
}

}  // namespace tutti::toolhost
