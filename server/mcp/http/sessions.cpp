#include "server/mcp/http/sessions.hpp"

#include <algorithm>
#include <utility>

namespace tutti::mcp::http {

Sessions::~Sessions() {
  for (const auto& session : order_) session->peer->endAnswers();
}

void Session::deliver(std::string frame) {
  if (stream) return stream->event({.data = frame});
  if (std::find(undelivered.begin(), undelivered.end(), frame) != undelivered.end()) return;
  if (undelivered.size() >= kUndeliveredMax) undelivered.pop_front();
  undelivered.push_back(std::move(frame));
}

void Session::openStream(std::shared_ptr<HttpReply> reply) {
  stream = std::move(reply);
  stream->openStream({});
  for (std::string& frame : std::exchange(undelivered, {})) deliver(std::move(frame));
}

bool Sessions::makeRoom() {
  if (by_id_.size() < sessions_max_) return true;
  const auto idle = std::find_if(order_.begin(), order_.end(), [](const auto& session) {
    return session->peer->idle() && !session->stream;
  });
  if (idle == order_.end()) return false;
  end(*idle);
  return true;
}

std::shared_ptr<Session> Sessions::add(std::string id, std::shared_ptr<Peer> peer) {
  auto session = std::make_shared<Session>(Session{std::move(id), std::move(peer), nullptr, {}});
  order_.push_back(session);
  by_id_.emplace(session->id, std::prev(order_.end()));
  return session;
}

std::shared_ptr<Session> Sessions::find(std::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  order_.splice(order_.end(), order_, found->second);
  return *found->second;
}

void Sessions::end(const std::shared_ptr<Session>& session) {
  const std::shared_ptr<Session> kept = session;
  const auto found = by_id_.find(kept->id);
  if (found == by_id_.end()) return;
  const auto place = found->second;
  by_id_.erase(found);
  order_.erase(place);
  kept->peer->cancelAll();
  if (const auto stream = std::exchange(kept->stream, nullptr)) stream->endStream();
}

void Sessions::endStreams() {
  for (const auto& session : order_)
    if (const auto stream = std::exchange(session->stream, nullptr)) stream->endStream();
}

void Sessions::endAll() {
  while (!order_.empty()) end(order_.front());
}

}  // namespace tutti::mcp::http
