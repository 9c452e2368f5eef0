// What comes from the server: answers, its own requests, notifications, and what is none of these.
#include <algorithm>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/client/questions.hpp"
#include "server/mcp/error_map.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::mcp::client {
namespace {

constexpr std::size_t kMessageShownMax = 2000;

/// The server's error object as an error of ours.
Error serverError(const Json& object) {
  const std::int64_t code = json::integerOr(object, "code", rpc::kInternalError);
  Code kind = Code::Internal;
  if (code == rpc::kInvalidParams) kind = Code::InvalidArgument;
  if (code == rpc::kMethodNotFound) kind = Code::NotFound;
  std::string message = json::stringOr(object, "message", "the server gave an error without text");
  return Error(kind, shortened(message, kMessageShownMax))
      .named("server_error")
      .withDetails(json::dump(object));
}

std::optional<ListKind> changedList(std::string_view method) {
  if (method == "notifications/tools/list_changed") return ListKind::Tools;
  if (method == "notifications/prompts/list_changed") return ListKind::Prompts;
  if (method == "notifications/resources/list_changed") return ListKind::Resources;
  return std::nullopt;
}

}  // namespace

std::int64_t serverCode(const Error& error) {
  if (error.name() != "server_error") return 0;
  const auto details = json::parse(error.details());
  return details.ok() && details->is_object() ? json::integerOr(*details, "code", 0) : 0;
}

std::optional<Question::Method> questionMethod(std::string_view name) {
  if (name == "sampling/createMessage") return Question::Method::Sample;
  if (name == "elicitation/create") return Question::Method::Elicit;
  if (name == "roots/list") return Question::Method::ListRoots;
  return std::nullopt;
}

Error invalidAnswer(std::string_view method, std::string_view what) {
  std::string message = "the server's answer to '";
  message.append(method).append("' ").append(what);
  return Error(Code::Internal, std::move(message), "this is a fault of the server; report it there")
      .named("invalid_answer");
}

std::vector<PageToVisit> requiredPages(const Error& error) {
  if (error.name() != "server_error") return {};
  const auto object = json::parse(error.details());
  if (!object.ok() || json::integerOr(*object, "code", 0) != kLegacyPagesRequired) return {};
  const Json* data = json::find(*object, "data");
  const bool named = data != nullptr && data->is_object();
  const Json* elicitations = named ? json::find(*data, "elicitations") : nullptr;
  if (elicitations == nullptr || !elicitations->is_array()) return {};
  std::vector<PageToVisit> pages;
  for (const Json& each : *elicitations) {
    if (!each.is_object() || json::stringOr(each, "mode", "") != "url") continue;
    PageToVisit page{json::stringOr(each, "elicitationId", ""), json::stringOr(each, "url", ""),
                     json::stringOr(each, "message", "")};
    if (!page.elicitation_id.empty() && !page.url.empty()) pages.push_back(std::move(page));
  }
  return pages;
}

/// Only of 2025-11-25: others have neither such ids nor the word that a visit is over, but for
/// servers that keep them.
void Client::State::notePage(const std::string& elicitation_id) {
  const bool has_ids = facts.revision == Revision::k2025_11_25 || options.keeps_elicitation_ids;
  if (elicitation_id.empty() || !has_ids) return;
  std::erase(elicitations, elicitation_id);
  elicitations.push_back(elicitation_id);
  if (elicitations.size() > options.elicitations_max) elicitations.pop_front();
}

void Client::State::noteHeard() {
  if (silent_until_ms != 0) silent_until_ms = channel.nowMs() + options.handshake_silent_max_ms;
}

void Client::receive(std::string_view text, const rpc::Id& related) {
  const auto state = state_;
  if (state->phase == Phase::New || state->phase == Phase::Lost) return;
  state->noteHeard();
  rpc::Decoded decoded = state->decoder.decode(text);
  const std::string_view whole = decoded.batch ? std::string_view{} : text;
  for (rpc::Item& item : decoded.items) state->take(std::move(item), whole, related);
}

void Client::receiveOversized() {
  const auto state = state_;
  if (state->phase == Phase::New || state->phase == Phase::Lost) return;
  state->noteGarbage("a message above message_bytes_max");
}

void Client::State::noteGarbage(const std::string& what) {
  log::warning("an MCP server sent what is no message", {{"what", shortened(what, 200)}});
  if (++garbage < options.garbage_max) return;
  loseAll(Error(Code::Unavailable, "the server sends what are no MCP messages: " + what,
                "its standard output must carry nothing else; see what it prints there")
              .named("server_garbage"));
}

void Client::State::take(rpc::Item item, std::string_view text, const rpc::Id& related) {
  if (!item.valid) {
    const Pending* request = byId(item.refusal.id);
    const std::string why = item.refusal.error.message;
    // An answer that breaks the rules ends its own request; anything else belongs to nobody.
    if (request != nullptr)
      end(request->ticket, invalidAnswer(request->method, "is no message: " + why));
    noteGarbage(why);
    return;
  }
  garbage = 0;
  switch (item.message.kind) {
    case rpc::Message::Kind::Response:
      return takeResponse(std::move(item.message), text);
    case rpc::Message::Kind::Request:
      return takeRequest(std::move(item.message), related);
    case rpc::Message::Kind::Notification:
      return takeNotification(item.message, related);
  }
}

void Client::State::takeResponse(rpc::Message message, std::string_view text) {
  Pending* request = byId(message.id);
  if (request == nullptr) return;  // cancelled or timed out a moment ago
  const Ticket ticket = request->ticket;
  if (message.answer_is_error) {
    const Error error = serverError(message.answer);
    for (const PageToVisit& page : requiredPages(error)) notePage(page.elicitation_id);
    return end(ticket, error);
  }
  if (!message.answer.is_object())
    return end(ticket, invalidAnswer(request->method, "is no object"));
  if (modern() && json::stringOr(message.answer, "resultType", "complete") != "complete")
    return needInput(*request, message.answer);
  Reply reply;
  reply.text = std::string(rpc::memberSpan(text, "result"));
  if (reply.text.empty()) reply.text = json::dump(message.answer);
  reply.value = std::move(message.answer);
  end(ticket, std::move(reply));
}

Ticket Client::State::causeOf(const rpc::Id& related) {
  if (!related.empty()) {
    const Pending* request = byId(related);
    return request == nullptr ? 0 : request->ticket;
  }
  // A byte stream does not say. With one call under way there is no doubt; else there is.
  Ticket only = 0;
  for (const auto& [ticket, request] : pending) {
    if (!request->takes_input) continue;
    if (only != 0) return 0;
    only = ticket;
  }
  return only;
}

void Client::State::takeRequest(rpc::Message message, const rpc::Id& related) {
  if (message.method == "ping") return sendResponse(message.id, rpc::resultFrame(message.id, "{}"));
  const auto method = questionMethod(message.method);
  const bool can =
      method &&
      ((*method == Question::Method::Sample && options.sampling) ||
       (*method == Question::Method::ListRoots && options.roots) ||
       (*method == Question::Method::Elicit && (options.elicit_form || options.elicit_url)));
  if (!can)
    return sendResponse(
        message.id,
        rpc::errorFrame(message.id, {rpc::kMethodNotFound, "this client has no such method", {}}));
  if (open_questions >= options.questions_max)
    return sendResponse(
        message.id,
        rpc::errorFrame(message.id,
                        {rpc::kInternalError, "questions_max requests wait here already", {}}));
  if (message.params.is_object()) notePage(json::stringOr(message.params, "elicitationId", ""));
  const Ticket cause = causeOf(related);
  const auto question = std::make_shared<ServerQuestion>(
      weak_from_this(), *method, std::move(message.params), cause, message.id);
  ++open_questions;
  questions[message.id] = question;
  if (Pending* request = byTicket(cause)) ++request->open_questions;
  rearm();
  events.onAsked(question);
}

void ServerQuestion::deliver(Client::State& state, Json result) {
  state.sendResponse(id_, rpc::resultFrame(id_, json::dump(result)));
}
void ServerQuestion::deliverRefusal(Client::State& state, const Error& error) {
  constexpr int kRefused = -1;  // what the specification's own examples give for a refusal
  if (state.phase == Phase::Ready)
    state.sendResponse(id_, rpc::errorFrame(id_, {kRefused, error.text(), {}}));
}
void ServerQuestion::released(Client::State& state) {
  --state.open_questions;
  state.questions.erase(id_);
  Pending* request = state.byTicket(cause());
  if (request == nullptr) return;
  --request->open_questions;
  request->heard_ms = state.channel.nowMs();
  state.rearm();
}

void Client::State::takeProgress(const Json& params) {
  const Json* token = json::find(params, "progressToken");
  if (token == nullptr || !token->is_number_integer()) return;
  Pending* request = byTicket(static_cast<Ticket>(token->get<std::int64_t>()));
  if (request == nullptr || !request->options.on_progress) return;
  request->heard_ms = channel.nowMs();
  Progress progress;
  progress.value = json::numberOr(params, "progress", 0);
  if (json::find(params, "total") != nullptr) progress.total = json::numberOr(params, "total", 0);
  progress.message = json::stringOr(params, "message", "");
  const auto tell = request->options.on_progress;  // the request may end in there
  tell(progress);
}

/// Of a subscription.
void Client::State::takeAcknowledgement(const Json& params) {
  const Json* meta = json::find(params, "_meta");
  const Json* id = meta == nullptr || !meta->is_object()
                       ? nullptr
                       : json::find(*meta, "io.modelcontextprotocol/subscriptionId");
  const Pending* request = id == nullptr ? nullptr : byId(rpc::idOf(*id));
  if (request != nullptr && request->ticket == watch_ticket) {
    watch_pause_ms = 1'000;
    return;
  }
  follow_pause_ms = 1'000;
  // What changed while nobody listened is not told again.
  if (std::exchange(followed_before, true))
    for (const ListKind kind : {ListKind::Tools, ListKind::Prompts, ListKind::Resources})
      events.onListChanged(kind);
}

void Client::State::takeNotification(const rpc::Message& message, const rpc::Id& related) {
  const std::string& method = message.method;
  const Json empty = Json::object();
  const Json& params = message.params.is_object() ? message.params : empty;
  if (method == "notifications/progress") return takeProgress(params);
  if (const auto list = changedList(method)) return events.onListChanged(*list);
  if (method == "notifications/resources/updated")
    return events.onResourceUpdated(json::stringOr(params, "uri", ""));
  if (method == "notifications/elicitation/complete") {
    const std::string id = json::stringOr(params, "elicitationId", "");
    if (std::erase(elicitations, id) > 0) events.onElicitationComplete(id);
    return;
  }
  if (method == "notifications/message") {
    const Json* data = json::find(params, "data");
    return events.onLog({causeOf(related), json::stringOr(params, "level", "info"),
                         json::stringOr(params, "logger", ""), data == nullptr ? Json() : *data});
  }
  if (method == "notifications/cancelled") {
    const Json* id = json::find(params, "requestId");
    if (id == nullptr) return;
    if (const auto found = questions.find(rpc::idOf(*id)); found != questions.end())
      if (const auto question = found->second.lock()) question->withdraw();
    return;
  }
  if (method == "notifications/subscriptions/acknowledged") takeAcknowledgement(params);
}

}  // namespace tutti::mcp::client
