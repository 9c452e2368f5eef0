// Finding out which era a server speaks, and the subscription to its lists.
//
// A server of 2026-07-28 answers server/discover. Anything else that comes back, and silence, means
// `initialize`; a server that was only slow to start may still answer the probe, and the first good
// answer of the two settles it.
#include <algorithm>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/client/state.hpp"
#include "server/mcp/envelope.hpp"

namespace tutti::mcp::client {
namespace {

constexpr Revision kModern = Revision::k2026_07_28;
constexpr std::int64_t kFollowPauseMaxMs = 60'000;

bool contains(const Json* names, std::string_view name) {
  return names != nullptr && names->is_array() &&
         std::any_of(names->begin(), names->end(), [name](const Json& each) {
           return each.is_string() && each.get_ref<const std::string&>() == name;
         });
}

Error noCommonRevision(const std::string& offered) {
  return Error(Code::FailedPrecondition,
               "the server speaks no revision of MCP that this client knows; it offers " +
                   shortened(offered, 200))
      .named("unsupported_revision");
}

/// Does the error for an unsupported version name the one that this client speaks?
bool offersModern(const Error& error) {
  constexpr std::int64_t kUnsupported = -32022;
  if (serverCode(error) != kUnsupported) return false;
  const auto details = json::parse(error.details());
  const Json* data = json::find(*details, "data");
  return data != nullptr && data->is_object() &&
         contains(json::find(*data, "supported"), revisionName(kModern));
}

}  // namespace

Json Client::State::clientInfo() const {
  return Json::object({{"name", options.name}, {"version", options.version}});
}

Json Client::State::capabilities() const {
  Json can = Json::object();
  if (options.sampling) can["sampling"] = Json::object();
  if (options.roots) can["roots"] = Json::object();
  if (options.elicit_form) can["elicitation"]["form"] = Json::object();
  if (options.elicit_url) can["elicitation"]["url"] = Json::object();
  return can;
}

void Client::State::probe() {
  phase = Phase::Probing;
  const std::int64_t now = channel.nowMs();
  handshake_until_ms = now + options.handshake_max_ms;
  if (options.handshake_silent_max_ms > 0) silent_until_ms = now + options.handshake_silent_max_ms;
  if (options.era == Era::Legacy) return initialize();
  if (options.era == Era::Either) probe_until_ms = now + options.probe_max_ms;
  sendProbe();
}

void Client::State::sendProbe() {
  auto request = std::make_unique<Pending>();
  request->method = "server/discover";
  request->params = Json::object();
  request->untimed = true;
  request->done = [this](Result<Reply> reply) { probed(std::move(reply)); };
  probe_ticket = begin(std::move(request));
}

void Client::State::probed(Result<Reply> reply) {
  probe_ticket = 0;
  if (phase != Phase::Probing && phase != Phase::Initializing) return;
  if (!reply.ok()) return probeRefused(reply.error());
  const Json* offered = json::find(reply->value, "supportedVersions");
  if (!contains(offered, revisionName(kModern))) {
    const std::string names = offered == nullptr ? "none" : json::dump(*offered);
    return probeRefused(noCommonRevision(names));
  }
  if (init_ticket != 0) {  // it is not to be cancelled; its answer finds nobody
    const Ticket ticket = std::exchange(init_ticket, 0);
    const auto found = pending.find(ticket);
    if (found != pending.end()) {
      by_id.erase(found->second->id);
      pending.erase(found);
    }
  }
  becomeReady(reply->value, kModern);
}

void Client::State::probeRefused(const Error& error) {
  constexpr std::int64_t kMissing = -32021;
  constexpr std::int64_t kHeaders = -32020;
  const std::int64_t code = serverCode(error);
  // Such a server is modern, and names what it speaks: then it is asked once more.
  if (phase == Phase::Probing && offersModern(error) && !std::exchange(probed_again, true))
    return sendProbe();
  // These two only a modern server knows: the legacy handshake would not help.
  const bool final = options.era == Era::Modern || code == kMissing || code == kHeaders;
  if (phase == Phase::Probing && !final) return initialize();
  if (phase == Phase::Probing || init_ticket == 0) loseAll(error);
}

void Client::State::initialize() {
  phase = Phase::Initializing;
  probe_until_ms = 0;
  auto request = std::make_unique<Pending>();
  request->method = "initialize";
  request->params = Json::object({{"protocolVersion", std::string(revisionName(kLatestLegacy))},
                                  {"capabilities", capabilities()},
                                  {"clientInfo", clientInfo()}});
  request->untimed = true;
  request->done = [this](Result<Reply> reply) { initialized(std::move(reply)); };
  init_ticket = begin(std::move(request));
}

void Client::State::initialized(Result<Reply> reply) {
  init_ticket = 0;
  if (phase != Phase::Initializing) return;
  if (!reply.ok()) {
    if (probe_ticket == 0) loseAll(reply.error());
    return;
  }
  const std::string chosen = json::stringOr(reply->value, "protocolVersion", "");
  const auto revision = parseRevision(chosen);
  if (!revision || isModern(*revision)) return loseAll(noCommonRevision("'" + chosen + "'"));
  facts.revision = *revision;
  sendNotification("notifications/initialized", Json());
  channel.established();
  becomeReady(reply->value, *revision);
}

void Client::State::becomeReady(const Json& described, Revision revision) {
  phase = Phase::Ready;
  handshake_until_ms = silent_until_ms = probe_until_ms = 0;
  facts.revision = revision;
  const Json* info = json::find(described, "serverInfo");
  if (isModern(revision)) {
    const Json* meta = json::find(described, "_meta");
    info = meta == nullptr ? nullptr : json::find(*meta, kMetaServerInfo);
  }
  if (info != nullptr && info->is_object()) {
    facts.name = json::stringOr(*info, "name", "");
    facts.version = json::stringOr(*info, "version", "");
  }
  facts.instructions = json::stringOr(described, "instructions", "");
  const Json* can = json::find(described, "capabilities");
  if (can != nullptr && can->is_object()) facts.capabilities = *can;
  // A late answer to the probe is of no interest any more.
  if (const auto found = pending.find(std::exchange(probe_ticket, 0)); found != pending.end()) {
    by_id.erase(found->second->id);
    pending.erase(found);
  }
  follow();
  rearm();
  events.onReady();
}

void Client::State::follow() {
  follow_again_ms = 0;
  if (!modern() || !options.follow_lists) return;
  Json wanted = Json::object();
  const auto want = [&](const char* capability, const char* filter) {
    const Json* declared = json::find(facts.capabilities, capability);
    if (declared != nullptr && json::booleanOr(*declared, "listChanged", false))
      wanted[filter] = true;
  };
  want("tools", "toolsListChanged");
  want("prompts", "promptsListChanged");
  want("resources", "resourcesListChanged");
  if (wanted.empty()) return;
  auto request = std::make_unique<Pending>();
  request->method = "subscriptions/listen";
  request->params = Json::object({{"notifications", std::move(wanted)}});
  request->untimed = true;
  request->done = [this](Result<Reply> reply) {
    follow_ticket = 0;
    constexpr std::int64_t kNoMethod = -32601;
    if (phase != Phase::Ready) return;
    if (!reply.ok() && serverCode(reply.error()) == kNoMethod) return;
    followEnded();
  };
  follow_ticket = begin(std::move(request));
}

void Client::State::followEnded() {
  follow_again_ms = channel.nowMs() + follow_pause_ms;
  follow_pause_ms = std::min(follow_pause_ms * 2, kFollowPauseMaxMs);
  rearm();
}

}  // namespace tutti::mcp::client
