// Requests that need input before they can be answered (2026-07-28): the server's questions are
// asked, and the request is sent anew with the answers and the state the server gave.
#include "server/base/text.hpp"
#include "server/mcp/client/questions.hpp"

namespace tutti::mcp::client {
namespace {
constexpr std::size_t kQuestionsOfRoundMax = 32;
}

void Client::State::needInput(Pending& request, const Json& result) {
  const Ticket ticket = request.ticket;
  const std::string type = json::stringOr(result, "resultType", "");
  if (type != "input_required" || !request.takes_input)
    return end(ticket, invalidAnswer(request.method, "has the resultType '" + shortened(type, 64) +
                                                         "', which it cannot have"));
  const Json none = Json::object();
  const Json* asked = json::find(result, "inputRequests");
  if (asked == nullptr) asked = &none;
  const bool has_state = result.contains("requestState");
  if (!asked->is_object() || (asked->empty() && !has_state))
    return end(ticket, invalidAnswer(request.method, "asks for input without saying for which"));
  if (request.rounds >= options.rounds_max)
    return end(ticket, Error(Code::ResourceExhausted,
                             "'" + request.method + "' still needs input after " +
                                 std::to_string(request.rounds) + " rounds",
                             "raise rounds_max if the server means it")
                           .named("rounds_max"));
  if (asked->size() > kQuestionsOfRoundMax ||
      open_questions + asked->size() > options.questions_max)
    return end(ticket,
               Error(Code::ResourceExhausted, "the server asks more than questions_max at a time")
                   .named("questions_max"));

  by_id.erase(std::exchange(request.id, 0));
  request.has_state = has_state;
  request.request_state = json::stringOr(result, "requestState", "");
  request.input_responses = Json();
  if (asked->empty()) return nextRound(request);

  // All are made before the first is asked: an answer may come from within.
  std::vector<std::shared_ptr<RoundQuestion>> made;
  for (const auto& [key, question] : asked->items()) {
    const auto method = questionMethod(json::stringOr(question, "method", ""));
    if (!method)
      return end(ticket, invalidAnswer(request.method, "asks by a method that there is not"));
    const Json* params = json::find(question, "params");
    if (params != nullptr && params->is_object())
      notePage(json::stringOr(*params, "elicitationId", ""));
    ++open_questions;
    made.push_back(std::make_shared<RoundQuestion>(
        weak_from_this(), *method, params == nullptr ? Json::object() : *params, ticket, key));
    request.questions.push_back(made.back());
  }
  request.open_questions = made.size();
  request.input_responses = Json::object();
  rearm();
  for (const auto& question : made)
    if (!question->settled()) events.onAsked(question);
}

void Client::State::roundAnswered(Ticket ticket, const std::string& key, Json result) {
  Pending* request = byTicket(ticket);
  if (request == nullptr) return;
  request->input_responses[key] = std::move(result);
  if (--request->open_questions == 0) nextRound(*request);
}

void Client::State::roundRefused(Ticket ticket, const Error& error) {
  Pending* request = byTicket(ticket);
  if (request == nullptr) return;
  Error refused(Code::FailedPrecondition,
                "'" + request->method + "' needs input that was refused: " + error.text());
  end(ticket, std::move(refused).named("input_refused"));
}

void Client::State::nextRound(Pending& request) {
  request.questions.clear();
  request.open_questions = 0;
  ++request.rounds;
  request.heard_ms = channel.nowMs();
  sendRound(request);
  rearm();
}

void Client::State::dropQuestions(Pending& request) {
  for (const auto& weak : std::exchange(request.questions, {}))
    if (const auto question = weak.lock()) question->withdraw();
  // Requests of a legacy server that this request has caused.
  std::vector<std::shared_ptr<ServerQuestion>> caused;
  for (const auto& [id, weak] : questions)
    if (const auto question = weak.lock(); question && question->cause() == request.ticket)
      caused.push_back(question);
  for (const auto& question : caused) question->withdraw();
}

}  // namespace tutti::mcp::client
