// Streams of a server: taken up again where they broke off, waited for, or the one stream of
// HTTP+SSE.
#include <algorithm>

#include "server/transport/http_client_impl.hpp"

namespace tutti::transport {

using mcp::client::Outgoing;

/// How long to wait before a stream is taken up again. One for what belongs to no request may be
/// quiet for hours, and is asked for more and more rarely if the server hangs up soon.
std::int64_t HttpClient::Impl::pauseOf(Exchange& exchange) const {
  constexpr int kDoublingsMax = 6;
  constexpr std::int64_t kSoonMs = 10'000;
  const bool lasted = exchange.events != nullptr && steadyMs() - exchange.began_ms >= kSoonMs;
  if (exchange.listening && lasted) exchange.polls = 0;
  std::int64_t pause = exchange.retry_ms.value_or(options.retry_ms);
  pause = std::clamp(pause, options.retry_min_ms, options.retry_max_ms);
  if (exchange.listening) pause <<= std::min(exchange.polls, kDoublingsMax);
  return std::min(pause, options.retry_max_ms);
}

/// A stream that has told ids is taken up again where it broke off.
void HttpClient::Impl::streamEnded(Key key, const Status& status) {
  Exchange& exchange = exchanges.at(key);
  const bool refused_again =
      exchange.events == nullptr && status.ok() && !isSuccess(exchange.head.status);
  const bool resumable = exchange.listening || !exchange.last_event_id.empty();
  const bool too_often = !exchange.listening && (exchange.resumes >= options.resumes_max ||
                                                 exchange.polls >= options.polls_max);
  if (exchange.message.modern || !resumable || refused_again || too_often)
    return fail(key, exchange.head.status,
                Error(Code::Unavailable, "the server ended the stream without an answer")
                    .named("stream_ended"));
  exchange.resume_at_ms = steadyMs() + pauseOf(exchange);
  ++exchange.resumes;
  ++exchange.polls;
  armResume();
}

void HttpClient::Impl::armResume() {
  std::int64_t next = hold_until_ms;
  for (const auto& [key, exchange] : exchanges)
    if (exchange.resume_at_ms != 0) next = std::min(next, exchange.resume_at_ms);
  resume.at(next);
}

void HttpClient::Impl::onResume() {
  const std::int64_t now = steadyMs();
  std::vector<Key> due;
  for (auto& [key, exchange] : exchanges)
    if (exchange.resume_at_ms != 0 && exchange.resume_at_ms <= now) due.push_back(key);
  for (const Key key : due) {
    exchanges.at(key).resume_at_ms = 0;
    request(key, "GET");
  }
  if (hold_until_ms <= now) letGo();
  armResume();
}

/// What waited goes out once the server has taken `initialized` and answered the GET that opens the
/// stream for what belongs to no request: what it tells on that stream about the first requests
/// would be lost before, or go to the wrong one. Some servers answer the GET only with their first
/// event, so that wait is short.
void HttpClient::Impl::release() {
  if (!holding) return;
  const Exchange* awaited = find(*holding);
  const bool heard = awaited == nullptr || awaited->events != nullptr ||
                     (awaited->listening && awaited->head.status != 0);
  if (!heard) return;
  if (!std::exchange(listen_when_released, false)) return letGo();
  const Key key = ++last_key;
  exchanges[key].listening = true;
  holding = key;
  hold_until_ms = steadyMs() + options.listen_wait_ms;
  armResume();
  request(key, "GET");
}

void HttpClient::Impl::letGo() {
  holding.reset();
  hold_until_ms = Wakeup::kNever;
  for (Outgoing& message : std::exchange(held, {})) begin(std::move(message));
}

// --- HTTP+SSE ----------------------------------------------------------------------------------

void HttpClient::Impl::openOld() {
  OldSseOptions chosen;
  chosen.headers = options.headers;
  chosen.message_bytes_max = options.message_bytes_max;
  chosen.connect_max_ms = options.connect_max_ms;
  chosen.endpoint_max_ms = options.endpoint_max_ms;
  const std::weak_ptr<Impl> weak = weak_from_this();
  OldSseTold told;
  told.on_endpoint = [weak](std::string target) {
    if (const auto self = weak.lock()) self->onEndpoint(std::move(target));
  };
  told.on_message = [weak](std::string_view message) {
    if (const auto self = weak.lock()) self->give(message, {});
  };
  told.on_end = [weak](const Error& why) {
    if (const auto self = weak.lock()) self->onOldEnd(why);
  };
  old = OldSse::open(io, links, std::move(chosen), std::move(told));
}

/// The same message once more, by the older transport.
void HttpClient::Impl::tryOld(Key key, int status, Error refused) {
  const auto found = exchanges.find(key);
  first_refused = Refused{found->second.message.id, status, std::move(refused)};
  held.push_front(std::move(found->second.message));
  exchanges.erase(found);
  openOld();
}

void HttpClient::Impl::onEndpoint(std::string target) {
  old_target = std::move(target);
  first_refused.reset();
  for (Outgoing& message : std::exchange(held, {})) begin(std::move(message));
}

void HttpClient::Impl::onOldEnd(const Error& why) {
  old.reset();
  old_target.clear();
  held.clear();
  const auto refused = std::exchange(first_refused, std::nullopt);
  if (client == nullptr) return;
  if (refused) return client->failed(refused->id, {refused->status, refused->error});
  client->lost(why);
}

}  // namespace tutti::transport
