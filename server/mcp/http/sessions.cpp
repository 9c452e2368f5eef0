#include "server/mcp/http/sessions.hpp"

#include <algorithm>
#include <utility>

namespace tutti::mcp::http {

Sessions::~Sessions() {
  for (const auto& session : order_) {
    session->keep_alive = nullptr;
    session->peer->endAnswers();
  }
}

void Session::deliver(std::string frame) {
  const auto open = stream;  // it may go with its client during the call
  if (standalone != 0)
    replay->send(standalone, frame);  // and kept, should its client come back to it
  else if (open)
    open->event({.data = frame});
  if (open) return;
  if (std::find(undelivered.begin(), undelivered.end(), frame) != undelivered.end()) return;
  if (undelivered.size() >= kUndeliveredMax) undelivered.pop_front();
  undelivered.push_back(std::move(frame));
}

void Session::openStream(std::shared_ptr<HttpReply> reply) {
  stream = std::move(reply);
  if (replay) {
    replay->end(std::exchange(standalone, 0));
    standalone = replay->open(stream);
  } else {
    stream->openStream({});
  }
  for (std::string& frame : std::exchange(undelivered, {})) deliver(std::move(frame));
}

bool Session::resumeStream(std::string_view last_event_id,
                           const std::shared_ptr<HttpReply>& reply) {
  if (!replay->resume(last_event_id, reply)) return false;
  if (Replay::streamOf(last_event_id) != standalone) return true;
  stream = reply;
  undelivered.clear();  // it was on the stream that has been taken up
  return true;
}

void Sessions::use(Order::iterator place) {
  (*place)->used_at = limits_.now();
  order_.splice(order_.end(), order_, place);
}

void Sessions::endIdle() {
  if (order_.empty()) return;
  const auto oldest = limits_.now() - limits_.idle_max;
  while (!order_.empty() && order_.front()->used_at < oldest) {
    if (order_.front()->idle()) {
      end(order_.front());
    } else {
      use(order_.begin());
    }
  }
}

bool Sessions::makeRoom() {
  if (by_id_.size() < limits_.sessions_max) return true;
  const auto idle = std::find_if(order_.begin(), order_.end(),
                                 [](const auto& session) { return session->idle(); });
  if (idle == order_.end()) return false;
  end(*idle);
  return true;
}

std::shared_ptr<Session> Sessions::add(std::string id, std::shared_ptr<Peer> peer) {
  auto session = std::make_shared<Session>();
  session->id = std::move(id);
  session->peer = std::move(peer);
  session->used_at = limits_.now();
  order_.push_back(session);
  by_id_.emplace(session->id, std::prev(order_.end()));
  session->peer->onIdle([this, weak = std::weak_ptr(session)] {
    if (const auto alive = weak.lock()) touch(*alive);
  });
  return session;
}

std::shared_ptr<Session> Sessions::find(std::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  use(found->second);
  return *found->second;
}

void Sessions::touch(const Session& session) {
  const auto found = by_id_.find(session.id);
  if (found != by_id_.end()) use(found->second);
}

void Sessions::end(const std::shared_ptr<Session>& session) {
  const std::shared_ptr<Session> kept = session;
  const auto found = by_id_.find(kept->id);
  if (found == by_id_.end()) return;
  const auto place = found->second;
  by_id_.erase(found);
  order_.erase(place);
  kept->keep_alive = nullptr;
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
