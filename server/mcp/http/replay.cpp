#include "server/mcp/http/replay.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace tutti::mcp::http {
namespace {

constexpr std::size_t kEventOverheadBytes = 96;

struct EventId {
  Replay::Number stream;
  std::uint64_t event;
};

std::string idText(Replay::Number stream, std::uint64_t event) {
  return std::to_string(stream) + "_" + std::to_string(event);
}

std::optional<std::uint64_t> numberOf(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<EventId> eventIdOf(std::string_view text) {
  const auto mark = text.find('_');
  if (mark == std::string_view::npos) return std::nullopt;
  const auto stream = numberOf(text.substr(0, mark));
  const auto event = numberOf(text.substr(mark + 1));
  if (!stream || !event) return std::nullopt;
  return EventId{*stream, *event};
}

}  // namespace

Replay::~Replay() {
  budget_->bytes -= bytes_;
}

Replay::Number Replay::open(std::shared_ptr<HttpReply> reply) {
  const Number number = ++last_stream_;
  reply->openStream({});
  reply->event({.data = {}, .id = idText(number, 0)});
  streams_[number].reply = std::move(reply);
  return number;
}

void Replay::send(Number number, std::string data) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  const std::uint64_t event = ++found->second.last;
  if (found->second.reply) found->second.reply->event({.data = data, .id = idText(number, event)});
  const std::size_t size = data.size() + kEventOverheadBytes;
  if (!makeRoom(size)) {
    streams_[number].forgotten = event;
    return;
  }
  streams_[number].events.push_back({event, std::move(data)});
  order_.push_back(number);
  bytes_ += size;
  budget_->bytes += size;
}

/// False when there can be no room: then nothing of this session is kept any more.
bool Replay::makeRoom(std::size_t bytes) {
  const auto full = [this, bytes] {
    return bytes_ + bytes > limits_.session_bytes_max ||
           budget_->bytes + bytes > budget_->bytes_max;
  };
  while (full() && !order_.empty()) forgetOldest();
  return !full();
}

void Replay::forgetOldest() {
  const Number number = order_.front();
  order_.pop_front();
  const auto found = streams_.find(number);
  Stream& stream = found->second;
  give(stream.events.front().data.size() + kEventOverheadBytes);
  stream.forgotten = stream.events.front().number;
  stream.events.pop_front();
  if (stream.ended && stream.events.empty()) streams_.erase(found);
}

void Replay::give(std::size_t bytes) {
  bytes_ -= bytes;
  budget_->bytes -= bytes;
}

void Replay::end(Number number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  found->second.ended = true;
  const auto reply = std::exchange(found->second.reply, nullptr);
  if (found->second.events.empty()) streams_.erase(found);
  if (reply) reply->endStream();
}

void Replay::release(Number number, std::int64_t retry_ms) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  const auto reply = std::exchange(found->second.reply, nullptr);
  if (!reply) return;
  reply->event({.data = {}, .id = idText(number, found->second.last), .retry_ms = retry_ms});
  reply->endStream();
}

bool Replay::resume(std::string_view last_event_id, const std::shared_ptr<HttpReply>& reply) {
  const auto id = eventIdOf(last_event_id);
  const auto found = id ? streams_.find(id->stream) : streams_.end();
  if (found == streams_.end()) return false;
  Stream& stream = found->second;
  if (id->event < stream.forgotten || id->event > stream.last) return false;
  if (const auto before = std::exchange(stream.reply, nullptr)) before->endStream();
  reply->openStream({});
  for (const Event& event : stream.events)
    if (event.number > id->event)
      reply->event({.data = event.data, .id = idText(id->stream, event.number)});
  if (stream.ended)
    reply->endStream();
  else
    stream.reply = reply;
  return true;
}

Replay::Number Replay::streamOf(std::string_view event_id) {
  const auto id = eventIdOf(event_id);
  return id ? id->stream : 0;
}

Replay::Number ReplayExchange::stream() {
  if (stream_ == 0) stream_ = replay_->open(std::exchange(reply_, nullptr));
  return stream_;
}

void ReplayExchange::notify(std::string frame) {
  replay_->send(stream(), std::move(frame));
}

void ReplayExchange::reply(std::string frame, int http_status) {
  if (stream_ == 0) return reply_->respond({http_status, "application/json", frame, {}});
  replay_->send(stream_, std::move(frame));
  replay_->end(stream_);
}

void ReplayExchange::abandon() {
  replay_->end(stream());
}

void ReplayExchange::release(std::int64_t retry_ms) {
  replay_->release(stream(), retry_ms);
}

}  // namespace tutti::mcp::http
