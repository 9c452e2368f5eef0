// Which resources the server is to tell of: one request for each to an older server, in turn; to
// one of 2026-07-28 a subscription, opened anew when they are others.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/mcp/client/state.hpp"

namespace tutti::mcp::client {
namespace {
constexpr std::int64_t kWatchPauseMaxMs = 60'000;
constexpr std::int64_t kNoMethod = -32601;
}  // namespace

void Client::State::watchNext() {
  watch_again_ms = 0;
  const Json* offered = json::find(facts.capabilities, "resources");
  if (phase != Phase::Ready || offered == nullptr || !offered->is_object() ||
      !json::booleanOr(*offered, "subscribe", false))
    return;
  if (pending.size() >= options.in_flight_max) return watchLater();
  if (modern()) return watchModern();
  if (watch_ticket != 0) return;  // it goes on when that one is answered
  for (const std::string& uri : watch_held)
    if (!watch_wanted.contains(uri)) return watchOne("resources/unsubscribe", uri);
  for (const std::string& uri : watch_wanted)
    if (!watch_held.contains(uri)) return watchOne("resources/subscribe", uri);
}

/// Asked once, whatever the answer is: what was refused is not asked for again and again.
void Client::State::watchOne(std::string_view method, const std::string& uri) {
  auto request = std::make_unique<Pending>();
  request->method = std::string(method);
  request->params = Json::object({{"uri", uri}});
  request->done = [this](const Result<Reply>&) {
    watch_ticket = 0;
    watchNext();
  };
  if (method == "resources/subscribe")
    watch_held.insert(uri);
  else
    watch_held.erase(watch_held.find(uri));
  watch_ticket = begin(std::move(request));
}

void Client::State::watchLater() {
  watch_again_ms = channel.nowMs() + watch_pause_ms;
  watch_pause_ms = std::min(watch_pause_ms * 2, kWatchPauseMaxMs);
  rearm();
}

void Client::State::watchModern() {
  if (watch_ticket != 0 && watch_held == watch_wanted) return;
  if (const Ticket old = std::exchange(watch_ticket, 0); old != 0)
    cancel(old, "other resources are watched", Error(Code::Cancelled, "others are watched"));
  watch_held = watch_wanted;
  if (watch_wanted.empty()) return;
  auto request = std::make_unique<Pending>();
  request->method = "subscriptions/listen";
  request->params =
      Json::object({{"notifications", Json::object({{"resourceSubscriptions", watch_wanted}})}});
  request->untimed = true;
  const Ticket next = last_number + 1;
  request->done = [this, next](const Result<Reply>& reply) {
    if (watch_ticket != next || phase != Phase::Ready) return;  // replaced by another
    watch_ticket = 0;
    if (!reply.ok() && serverCode(reply.error()) == kNoMethod) return;
    watchLater();
  };
  watch_ticket = begin(std::move(request));
}

}  // namespace tutti::mcp::client
