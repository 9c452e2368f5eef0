#include "server/mcp/audience.hpp"

#include <algorithm>

#include "server/mcp/json_members.hpp"
#include "server/mcp/log_level.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view legacyFrame(Change change) {
  switch (change) {
    case Change::Tools:
      return R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
    case Change::Prompts:
      return R"({"jsonrpc":"2.0","method":"notifications/prompts/list_changed"})";
    case Change::Resources:
      return R"({"jsonrpc":"2.0","method":"notifications/resources/list_changed"})";
  }
  return {};
}

}  // namespace

void Audience::join(const std::shared_ptr<Peer>& peer) {
  if (peer->in_audience) return;
  peer->in_audience = true;
  if (peers_.size() >= sweep_at_) {
    std::erase_if(peers_, [](const auto& weak) { return weak.expired(); });
    sweep_at_ = std::max<std::size_t>(64, peers_.size() * 2);
  }
  peers_.push_back(peer);
}

void Audience::add(std::shared_ptr<Listener> listener) {
  const Listener* key = listener.get();
  listeners_.emplace(key, std::move(listener));
}

std::vector<std::shared_ptr<Listener>> Audience::listeners() const {
  std::vector<std::shared_ptr<Listener>> all;
  all.reserve(listeners_.size());
  for (const auto& [key, listener] : listeners_) all.push_back(listener);
  return all;
}

std::vector<std::shared_ptr<Peer>> Audience::peers() {
  std::vector<std::shared_ptr<Peer>> all;
  for (const auto& weak : peers_)
    if (auto peer = weak.lock()) all.push_back(std::move(peer));
  return all;
}

void Audience::changed(Change change) {
  for (const auto& listener : listeners()) listener->changed(change);
  for (const auto& peer : peers())
    if (peer->unsolicited) peer->unsolicited(std::string(legacyFrame(change)));
}

void Audience::updated(std::string_view uri, const MayHear& may_hear) {
  for (const auto& listener : listeners())
    if (!may_hear || may_hear(listener->agentSession())) listener->updated(uri);
  std::string frame = R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{)";
  appendTextMember(frame, "uri", uri);
  frame += "}}";
  for (const auto& peer : peers())
    if (peer->unsolicited && peer->watched.contains(std::string(uri)) &&
        (!may_hear || may_hear(peer->agent_session_id)))
      peer->unsolicited(frame);
}

void Audience::log(LogLevel level, std::string_view logger, const Json& data) {
  const std::string frame = logFrame(level, logger, data);
  for (const auto& peer : peers())
    if (peer->unsolicited && level >= peer->log_level) peer->unsolicited(frame);
}

std::vector<std::string> Audience::watched() {
  std::set<std::string> uris;
  for (const auto& listener : listeners()) listener->collectWatched(uris);
  for (const auto& peer : peers()) uris.insert(peer->watched.begin(), peer->watched.end());
  return {uris.begin(), uris.end()};
}

std::set<std::string> Audience::watchingSessions() {
  std::set<std::string> sessions;
  for (const auto& listener : listeners()) {
    if (sessions.contains(listener->agentSession())) continue;
    std::set<std::string> uris;
    listener->collectWatched(uris);
    if (!uris.empty()) sessions.insert(listener->agentSession());
  }
  for (const auto& peer : peers())
    if (!peer->watched.empty()) sessions.insert(peer->agent_session_id);
  return sessions;
}

void Audience::endOverHttp() {
  for (const auto& listener : listeners())
    if (listener->overHttp()) listener->end();
}

}  // namespace tutti::mcp
