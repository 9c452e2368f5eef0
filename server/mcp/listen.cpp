// subscriptions/listen: a request that stays open and tells what changes.
#include <memory>
#include <set>
#include <utility>

#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view kMetaSubscriptionId = "io.modelcontextprotocol/subscriptionId";

/// What a client wants to hear of, less what there is not.
struct Filter {
  bool tools = false;
  bool prompts = false;
  bool resources = false;
  std::set<std::string> uris;
};

class Listening final : public Listener, public std::enable_shared_from_this<Listening> {
 public:
  Listening(Server::Impl& server, Request request, Filter filter)
      : server_(server), request_(std::move(request)), filter_(std::move(filter)) {}

  /// Makes it known to those who may end it.
  void keep() {
    server_.audience.add(shared_from_this());
    if (request_.peer) request_.peer->addStanding(request_.id, shared_from_this());
  }
  /// The first message on the stream: what is listened for.
  void acknowledge() const {
    std::string kinds = "{";
    if (filter_.tools) appendJsonMember(kinds, "toolsListChanged", "true");
    if (filter_.prompts) appendJsonMember(kinds, "promptsListChanged", "true");
    if (filter_.resources) appendJsonMember(kinds, "resourcesListChanged", "true");
    if (!filter_.uris.empty()) {
      kinds += kinds.size() > 1 ? ",\"resourceSubscriptions\":[" : "\"resourceSubscriptions\":[";
      for (const std::string& uri : filter_.uris) {
        if (kinds.back() != '[') kinds += ',';
        appendJsonString(kinds, uri);
      }
      kinds += ']';
    }
    kinds += '}';
    tell("notifications/subscriptions/acknowledged", "notifications", kinds);
  }

  void changed(Change change) override {
    if (ended_) return;
    switch (change) {
      case Change::Tools:
        if (filter_.tools) tell("notifications/tools/list_changed");
        return;
      case Change::Prompts:
        if (filter_.prompts) tell("notifications/prompts/list_changed");
        return;
      case Change::Resources:
        if (filter_.resources) tell("notifications/resources/list_changed");
        return;
    }
  }
  void updated(std::string_view uri) override {
    if (ended_ || !filter_.uris.contains(std::string(uri))) return;
    std::string text;
    appendJsonString(text, uri);
    tell("notifications/resources/updated", "uri", text);
  }
  void collectWatched(std::set<std::string>& uris) const override {
    uris.insert(filter_.uris.begin(), filter_.uris.end());
  }
  void end() override {
    if (!leave()) return;
    std::string body = "{\"resultType\":\"complete\",\"_meta\":";
    body.append(metaWith(server_.tail.server_info)).push_back('}');
    request_.result(body);
  }
  bool overHttp() const override { return request_.context.caller.over_http; }
  void cancel() override {
    if (leave()) request_.exchange->abandon();
  }
  void fail() override {
    if (leave()) request_.error(internalError());
  }

 private:
  std::string metaWith(std::string_view more) const {
    std::string meta = "{";
    appendJsonMember(meta, kMetaSubscriptionId, request_.id);
    if (!more.empty()) meta.append(",").append(more);
    meta += '}';
    return meta;
  }
  void tell(std::string_view method, std::string_view key = {}, std::string_view value = {}) const {
    std::string params = "{";
    if (!key.empty()) appendJsonMember(params, key, value);
    appendJsonMember(params, "_meta", metaWith({}));
    params += '}';
    request_.exchange->notify(rpc::notificationFrame(method, params));
  }
  /// False when it has ended before.
  bool leave() {
    if (std::exchange(ended_, true)) return false;
    if (request_.peer) request_.peer->remove(request_.id);
    server_.audience.remove(this);  // whoever calls holds on to us
    return true;
  }

  Server::Impl& server_;
  const Request request_;
  const Filter filter_;
  bool ended_ = false;
};

/// Reads one yes or no; absent is no.
std::optional<WireError> readFlag(const Json& wanted, std::string_view key, bool& flag) {
  const Json* value = json::find(wanted, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean())
    return invalidParams("'notifications." + std::string(key) + "' must be true or false");
  flag = value->get<bool>();
  return std::nullopt;
}

std::optional<WireError> readUris(const Server::Impl& server, const Json& wanted, Filter& filter) {
  const Json* uris = json::find(wanted, "resourceSubscriptions");
  if (uris == nullptr) return std::nullopt;
  const auto bad = [] {
    return invalidParams("'notifications.resourceSubscriptions' must be an array of URIs");
  };
  if (!uris->is_array()) return bad();
  if (uris->size() > server.options.watched_max)
    return overloaded("watched_max", server.options.watched_max, "listen to fewer resources");
  for (const Json& uri : *uris) {
    if (!uri.is_string()) return bad();
    filter.uris.insert(uri.get<std::string>());
  }
  return std::nullopt;
}

std::optional<WireError> readFilter(const Server::Impl& server, const Json& params,
                                    Filter& filter) {
  const Json* wanted = params.is_object() ? json::find(params, "notifications") : nullptr;
  if (wanted == nullptr || !wanted->is_object())
    return invalidParams("'notifications' must be an object: what to listen for");
  if (auto bad = readFlag(*wanted, "toolsListChanged", filter.tools)) return bad;
  if (auto bad = readFlag(*wanted, "promptsListChanged", filter.prompts)) return bad;
  if (auto bad = readFlag(*wanted, "resourcesListChanged", filter.resources)) return bad;
  if (auto bad = readUris(server, *wanted, filter)) return bad;
  filter.tools = filter.tools && server.tools.offered();
  filter.prompts = filter.prompts && server.prompts.offered();
  filter.resources = filter.resources && server.offersResources();
  if (!server.offersResources()) filter.uris.clear();
  return std::nullopt;
}

}  // namespace

void listen(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  Filter filter;
  if (const auto bad = readFilter(server, request.params, filter)) return request.error(*bad);
  if (server.audience.full())
    return request.error(overloaded("listeners_max", server.audience.listenersMax(),
                                    "end a subscription, or wait until one ends"));
  const auto listening = std::make_shared<Listening>(server, std::move(request), std::move(filter));
  pending = listening;
  listening->keep();
  listening->acknowledge();
}

}  // namespace tutti::mcp
