#include "server/mcp/under_way.hpp"

#include <cmath>
#include <cstdint>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/client_features.hpp"
#include "server/mcp/log_level.hpp"
#include "server/mcp/tasks/task_run.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

/// 3, not 3.0, for whole numbers.
std::string numberText(double value) {
  constexpr double kExactMax = 9007199254740992.0;
  if (std::floor(value) == value && std::abs(value) < kExactMax)
    return std::to_string(static_cast<std::int64_t>(value));
  return json::dump(Json(value));
}

}  // namespace

Flow::Flow(Server::Impl& server, Request&& request)
    : alive_(server.alive), server_(server), request_(std::move(request)) {
  if (request_.task) request_.task->follow(this);
}

Flow::~Flow() {
  // Another process takes up the tasks of a server that is gone.
  const bool left_behind = request_.task && alive_.expired();
  if (!ended_ && !left_behind) {
    log::error(
        "a handler let go of its request without ending it",
        {{"method", request_.method}, {"name", json::stringOr(request_.params, "name", "")}});
    error(internalError());
  }
  if (request_.task)
    request_.task->unfollow(this);
  else if (request_.peer)
    request_.peer->release();
  json::discard(std::move(request_.params));
}

bool Flow::open() {
  if (ended_ || suspended_) return false;
  if (alive_.expired()) end();  // the server is gone, and its transports with it
  return !ended_;
}

std::string Flow::resultHead() const {
  constexpr std::size_t kUsualBytes = 512;
  std::string head;
  head.reserve(kUsualBytes);
  head.append("{\"jsonrpc\":\"2.0\",\"id\":").append(request_.id).append(",\"result\":");
  return head;
}

void Flow::reply(std::string frame) {
  if (ended_) return;
  cancel_callback_ = nullptr;
  request_.exchange->reply(std::move(frame), 200);
  end();
}

void Flow::error(const WireError& error) {
  if (ended_) return;
  cancel_callback_ = nullptr;
  request_.error(error);
  end();
}

void Flow::progress(double value, std::optional<double> total, std::string_view message) {
  if (request_.task && !ended_) return request_.task->note(message);
  if (ended_ || suspended_ || !wantsProgress() || !std::isfinite(value) || value <= progress_)
    return;
  progress_ = value;
  std::string params = "{\"progressToken\":" + request_.context.progress_token;
  params += ",\"progress\":" + numberText(value);
  if (total && std::isfinite(*total)) params += ",\"total\":" + numberText(*total);
  if (!message.empty() && hasProgressMessage(revision())) {
    params += ",\"message\":";
    appendJsonString(params, message);
  }
  params += '}';
  request_.exchange->notify(rpc::notificationFrame("notifications/progress", params));
}

std::optional<LogLevel> Flow::logLevel() const {
  if (request_.context.envelope) return request_.context.envelope->log_level;
  return request_.peer->log_level;
}

void Flow::log(LogLevel level, std::string_view logger, const Json& data) {
  if (request_.task) return;  // it has no stream
  const auto threshold = logLevel();
  if (ended_ || suspended_ || !threshold || level < *threshold) return;
  request_.exchange->notify(logFrame(level, logger, data));
}

void Flow::onCancelled(std::function<void()> callback) {
  if (cancelled_) return callback();
  if (!ended_) cancel_callback_ = std::move(callback);
}

bool Flow::takesTasks() const {
  if (!server_.tasks) return false;
  if (isModern(revision()))
    return declares(request_.context.envelope->client_capabilities, ClientFeature::Tasks,
                    revision());
  // Before the extension each request says so itself.
  return hasExperimentalTasks(revision()) && request_.params.is_object() &&
         request_.params.contains("task");
}

bool Flow::clientCan(ClientFeature feature) const {
  if (feature == ClientFeature::Tasks) return takesTasks();
  const Envelope* envelope = request_.context.envelope.get();
  const Json& capabilities =
      envelope != nullptr ? envelope->client_capabilities : request_.peer->client_capabilities;
  return declares(capabilities, feature, revision());
}

const Json* Flow::answer(std::string_view key) const {
  if (!request_.round) return nullptr;
  const auto found = request_.round->answers.find(key);
  return found == request_.round->answers.end() ? nullptr : &found->second;
}

std::string_view Flow::state() const {
  return request_.round ? std::string_view(request_.round->state) : std::string_view();
}

std::vector<ClientFeature> Flow::lacking(const std::vector<ClientFeature>& features) const {
  std::vector<ClientFeature> missing;
  for (const ClientFeature feature : features)
    if (!clientCan(feature)) missing.push_back(feature);
  return missing;
}

Status Flow::askInResult(const InputNeeded& needed) {
  auto body = inputRequired(server_, request_, needed);
  if (!body.ok()) return std::move(body).error();
  std::string frame = resultHead();
  frame.append(*body).push_back('}');
  reply(std::move(frame));
  return ok();
}

void Flow::askInRequests(InputNeeded needed) {
  suspended_ = true;
  cancel_callback_ = nullptr;
  // Whoever calls holds the request, and the peer knows by which pointer.
  const auto asking = std::static_pointer_cast<Asking>(request_.peer->pendingOf(request_.id));
  auto stop = askClient(server_, asking, request_, std::move(needed));
  if (!ended_) cancel_callback_ = std::move(stop);
}

void Flow::detach(const TaskOptions& options, std::string repeat_text) {
  server_.tasks->start(request_, options, std::move(repeat_text));
  request_.task->follow(this);
  if (request_.task->over()) withdraw();
}

std::string_view Flow::taskId() const {
  return request_.task ? std::string_view(request_.task->id()) : std::string_view();
}

bool Flow::repeated() const {
  return request_.task && request_.task->repeated();
}

void Flow::askInTask(InputNeeded needed) {
  const auto task = request_.task;
  task->needInput(take(), std::move(needed));
}

void Flow::askForVisits(const std::vector<PageToVisit>& pages) {
  for (const PageToVisit& page : pages)
    if (request_.peer) server_.elicitations.add(page.elicitation_id, request_.peer);
  error(pagesRequired(pages));
}

Request Flow::take() {
  ended_ = true;
  if (request_.task) request_.task->unfollow(this);
  cancel_callback_ = nullptr;
  Request taken = std::move(request_);
  request_.peer = taken.peer;  // to be released by this round's handler, unless it is a task's
  request_.task = taken.task;
  return taken;
}

/// Who called may be gone, or may have lost interest: neither is a task's business.
void Flow::cancel() {
  if (!request_.task) withdraw();
}

void Flow::withdraw() {
  if (ended_) return;
  cancelled_ = true;
  end();
  request_.exchange->abandon();
  if (const auto callback = std::exchange(cancel_callback_, nullptr)) callback();
}

/// No answer is owed any more. The peer may start its shutdown in here.
void Flow::end() {
  ended_ = true;
  if (request_.peer && !request_.task) request_.peer->remove(request_.id);
}

}  // namespace tutti::mcp
