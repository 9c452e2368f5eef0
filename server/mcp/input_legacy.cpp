// The way to ask clients that know no rounds: one request to the client for each thing needed.
#include <map>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/input.hpp"
#include "server/mcp/methods.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

/// What one request waits for. The peer keeps it alive through the callbacks of its questions.
class Wait : public std::enable_shared_from_this<Wait> {
 public:
  Wait(Server::Impl& server, std::shared_ptr<Asking> asking, const Request& request,
       std::string state)
      : alive_(server.alive),
        server_(server),
        asking_(std::move(asking)),
        peer_(request.peer),
        exchange_(request.exchange),
        round_(std::make_shared<InputRound>()) {
    if (request.round) *round_ = *request.round;
    round_->state = std::move(state);
    ++round_->number;
  }

  void start(const InputNeeded& needed, Revision revision);
  /// The request was cancelled: the client need not answer any more.
  void cancel();
  /// The next round begins.
  void goOn();

 private:
  void onAnswer(const rpc::Id& id, std::optional<rpc::Message> response);
  void takeBack();
  void fail(Error error);

  const std::weak_ptr<const char> alive_;
  Server::Impl& server_;
  std::shared_ptr<Asking> asking_;
  const std::shared_ptr<Peer> peer_;
  const std::shared_ptr<Exchange> exchange_;
  const std::shared_ptr<InputRound> round_;
  std::map<rpc::Id, std::string> open_;  // the keys by the ids of our requests
  std::shared_ptr<void> alarm_;
};

Error tooManyQuestions(std::size_t limit) {
  return Error(Code::ResourceExhausted,
               "the client leaves more than in_flight_max (" + std::to_string(limit) +
                   ") requests unanswered, or has closed its input",
               "answer some of them")
      .named("in_flight_max");
}

Error notInTime(std::int64_t limit_s) {
  return Error(Code::DeadlineExceeded,
               "the client did not answer within input_wait_max_s (" + std::to_string(limit_s) +
                   " s)",
               "call again when somebody can answer")
      .named("input_wait_max_s");
}

Error refusedByClient(const std::string& key, const Json& answer) {
  const std::string said = json::stringOr(answer, "message", "no message");
  return Error(Code::FailedPrecondition,
               "the client refused '" + key + "': " + shortened(said, 500),
               "call again when the client can answer")
      .named("input_refused");
}

void Wait::start(const InputNeeded& needed, Revision revision) {
  const auto self = shared_from_this();
  std::vector<std::string> frames;
  for (const InputRequest& wanted : needed.requests) {
    // The id is known only afterwards, so the callback finds it in a place of its own.
    const auto id = std::make_shared<rpc::Id>();
    *id = peer_->ask([self, id](std::optional<rpc::Message> response) {
      self->onAnswer(*id, std::move(response));
    });
    if (id->empty()) return takeBack();
    open_.emplace(*id, wanted.key);
    server_.elicitations.add(pageIdOf(wanted.params), peer_);
    frames.push_back("{\"jsonrpc\":\"2.0\",\"id\":" + *id + "," +
                     methodAndParams(wanted, revision) + "}");
  }
  for (std::string& frame : frames) exchange_->notify(std::move(frame));
  const std::int64_t limit_s = server_.options.input_wait_max_s;
  if (!server_.options.timers) return;
  alarm_ = server_.options.timers->after(limit_s * 1000, [weak = weak_from_this(), limit_s] {
    if (const auto wait = weak.lock()) wait->fail(notInTime(limit_s));
  });
}

/// Not everything can be asked, so nothing is: no frame has been sent yet.
void Wait::takeBack() {
  for (const auto& [id, key] : std::exchange(open_, {})) peer_->forget(id);
  fail(tooManyQuestions(peer_->inFlightMax()));
}

void Wait::onAnswer(const rpc::Id& id, std::optional<rpc::Message> response) {
  const auto self = shared_from_this();
  auto key = open_.extract(id);
  if (key.empty() || !asking_) return;
  if (!response)
    return fail(Error(Code::Unavailable, "the client closed its input before it answered",
                      "keep the connection open while a call needs input"));
  if (response->answer_is_error) return fail(refusedByClient(key.mapped(), response->answer));
  if (response->answer.is_object())
    round_->answers.insert_or_assign(key.mapped(), std::move(response->answer));
  if (open_.empty()) goOn();
}

void Wait::goOn() {
  alarm_ = nullptr;
  const auto asking = std::exchange(asking_, nullptr);
  if (alive_.expired()) return;
  Request request = asking->takeRequest();
  request.round = round_;
  runAgain(server_, std::move(request));
}

void Wait::fail(Error error) {
  const auto asking = std::exchange(asking_, nullptr);
  if (!asking) return;
  cancel();
  asking->failWith(std::move(error));
}

void Wait::cancel() {
  const auto self = shared_from_this();
  alarm_ = nullptr;
  asking_ = nullptr;
  for (const auto& [id, key] : std::exchange(open_, {})) {
    peer_->forget(id);
    exchange_->notify(
        rpc::notificationFrame("notifications/cancelled", "{\"requestId\":" + id + "}"));
  }
}

}  // namespace

std::function<void()> askClient(Server::Impl& server, const std::shared_ptr<Asking>& asking,
                                const Request& request, InputNeeded needed) {
  const int round = request.round ? request.round->number : 0;
  if (round >= server.options.input_rounds_max) {
    asking->failWith(Error(Code::ResourceExhausted,
                           "this request has asked the client input_rounds_max (" +
                               std::to_string(server.options.input_rounds_max) + ") times",
                           "give complete answers")
                         .named("input_rounds_max"));
    return nullptr;
  }
  const auto wait = std::make_shared<Wait>(server, asking, request, std::move(needed.state));
  if (needed.requests.empty()) {
    wait->goOn();
    return nullptr;
  }
  wait->start(needed, request.context.revision);
  return [weak = std::weak_ptr<Wait>(wait)] {
    if (const auto alive = weak.lock()) alive->cancel();
  };
}

}  // namespace tutti::mcp
