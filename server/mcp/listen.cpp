// subscriptions/listen: a request that stays open and tells what changes.
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "server/mcp/client_features.hpp"
#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/tasks/task_run.hpp"
#include "server/mcp/tasks/task_wire.hpp"
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
  std::set<std::string> tasks;
};

/// `,"key":["…","…"]`, or nothing for an empty set.
void appendTexts(std::string& to, std::string_view key, const std::set<std::string>& texts) {
  if (texts.empty()) return;
  std::string array = "[";
  for (const std::string& text : texts) {
    if (array.size() > 1) array += ',';
    appendJsonString(array, text);
  }
  array += ']';
  appendJsonMember(to, key, array);
}

class Listening final : public Listener, public std::enable_shared_from_this<Listening> {
 public:
  Listening(Server::Impl& server, Request request, Filter filter)
      : server_(server), request_(std::move(request)), filter_(std::move(filter)) {}

  /// Makes it known to those who may end it, and listens once it is clear which of the tasks and
  /// resources there are: what is listened for is the first message on the stream.
  void start() {
    server_.audience.add(shared_from_this());
    if (request_.peer) request_.peer->addStanding(request_.id, shared_from_this());
    const std::set<std::string> asked = std::exchange(filter_.tasks, {});
    const std::set<std::string> uris = std::exchange(filter_.uris, {});
    unknown_ = 1 + asked.size() + uris.size();
    for (const std::string& uri : uris) find(uri);
    const std::string owner = taskOwner(request_.context.caller);
    for (const std::string& id : asked)
      server_.tasks->store().get(id, owner, [weak = weak_from_this()](const Result<Task>& task) {
        if (const auto self = weak.lock()) self->found(task);
      });
    known();
  }
  void acknowledge() {
    std::string kinds = "{";
    if (filter_.tools) appendJsonMember(kinds, "toolsListChanged", "true");
    if (filter_.prompts) appendJsonMember(kinds, "promptsListChanged", "true");
    if (filter_.resources) appendJsonMember(kinds, "resourcesListChanged", "true");
    appendTexts(kinds, "resourceSubscriptions", filter_.uris);
    appendTexts(kinds, "taskIds", filter_.tasks);
    kinds += '}';
    acknowledged_ = true;
    if (!filter_.uris.empty()) server_.audience.watchChanged();
    tell("notifications/subscriptions/acknowledged", "notifications", kinds);
    for (const Task& task : std::exchange(over_, {})) see(task);
  }

  /// What nobody can read yet is listened for all the same: a further server may bring it.
  void find(const std::string& uri) {
    const auto found = [weak = weak_from_this(), uri](const Status& there) {
      const auto self = weak.lock();
      if (!self || self->ended_) return;
      if (there.ok() || there.error().code() != Code::NotFound) self->filter_.uris.insert(uri);
      self->known();
    };
    const auto reader = server_.readerOf(uri);
    if (!reader.find) return found(ok());
    reader.find(request_.context.caller, reader.variables, found);
  }
  /// One thing less that is not known to be there or not.
  void known() {
    if (--unknown_ == 0) acknowledge();
  }

  /// One of the tasks asked for, or an error if there is none of that id for this caller.
  void found(const Result<Task>& task) {
    if (ended_) return;
    if (task.ok()) {
      filter_.tasks.insert(task->id);
      if (isTerminal(task->status))
        over_.push_back(*task);  // nothing will change in it: its client hears of the end at once
      else
        watches_[task->id] =
            server_.tasks->watch(task->id, [weak = weak_from_this()](const Task* now) {
              const auto self = weak.lock();
              if (self && now != nullptr) self->see(*now);
            });
    }
    known();
  }
  void see(const Task& task) const {
    if (ended_ || !acknowledged_) return;
    const ResultTail tail{{}, ",\"_meta\":" + metaWith({})};
    request_.exchange->notify(rpc::notificationFrame(
        "notifications/tasks", shownTask(task, request_.context.revision, tail)));
  }

  void changed(Change change) override {
    if (ended_ || !acknowledged_) return;
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
    if (ended_ || !acknowledged_ || !filter_.uris.contains(std::string(uri))) return;
    std::string text;
    appendJsonString(text, uri);
    tell("notifications/resources/updated", "uri", text);
  }
  void collectWatched(std::set<std::string>& uris) const override {
    uris.insert(filter_.uris.begin(), filter_.uris.end());
  }
  const std::string& agentSession() const override {
    return request_.context.caller.agent_session_id;
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
    // A thousand streams may hear of one change at once: one text each, and no other.
    std::string frame;
    frame.reserve(160 + method.size() + key.size() + value.size() + request_.id.size());
    frame.append(R"({"jsonrpc":"2.0","method":")").append(method).append(R"(","params":{)");
    appendJsonMember(frame, key, value);
    frame.append(frame.back() == '{' ? R"("_meta":{")" : R"(,"_meta":{")");
    frame.append(kMetaSubscriptionId).append("\":").append(request_.id).append("}}}");
    request_.exchange->notify(std::move(frame));
  }
  /// False when it has ended before.
  bool leave() {
    if (std::exchange(ended_, true)) return false;
    if (request_.peer) request_.peer->remove(request_.id);
    for (const auto& [id, watch] : std::exchange(watches_, {})) server_.tasks->unwatch(id, watch);
    server_.audience.remove(this);  // whoever calls holds on to us
    if (!filter_.uris.empty()) server_.audience.watchChanged();
    return true;
  }

  Server::Impl& server_;
  const Request request_;
  Filter filter_;
  std::size_t unknown_ = 0;  ///< tasks and resources that have not been found yet
  std::vector<Task> over_;   ///< those that had ended when they were found
  std::map<std::string, Tasks::WatchId> watches_;
  bool acknowledged_ = false;
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

/// Reads an array of texts; absent is an empty one.
std::optional<WireError> readTexts(const Server::Impl& server, const Json& wanted,
                                   std::string_view key, std::set<std::string>& texts) {
  const Json* given = json::find(wanted, key);
  if (given == nullptr) return std::nullopt;
  const auto bad = [key] {
    return invalidParams("'notifications." + std::string(key) + "' must be an array of strings");
  };
  if (!given->is_array()) return bad();
  if (given->size() > server.options.watched_max)
    return overloaded("watched_max", server.options.watched_max, "listen for fewer at once");
  for (const Json& text : *given) {
    if (!text.is_string()) return bad();
    texts.insert(text.get<std::string>());
  }
  return std::nullopt;
}

std::optional<WireError> readFilter(const Server::Impl& server, const Request& request,
                                    Filter& filter) {
  const Json& params = request.params;
  const Json* wanted = params.is_object() ? json::find(params, "notifications") : nullptr;
  if (wanted == nullptr || !wanted->is_object())
    return invalidParams("'notifications' must be an object: what to listen for");
  if (auto bad = readFlag(*wanted, "toolsListChanged", filter.tools)) return bad;
  if (auto bad = readFlag(*wanted, "promptsListChanged", filter.prompts)) return bad;
  if (auto bad = readFlag(*wanted, "resourcesListChanged", filter.resources)) return bad;
  if (auto bad = readTexts(server, *wanted, "resourceSubscriptions", filter.uris)) return bad;
  if (auto bad = readTexts(server, *wanted, "taskIds", filter.tasks)) return bad;
  const Context& context = request.context;
  if (!filter.tasks.empty() &&
      !declares(context.envelope->client_capabilities, ClientFeature::Tasks, context.revision))
    return missingCapability(capabilitiesFor({ClientFeature::Tasks}));
  if (!server.tasks) filter.tasks.clear();
  filter.tools = filter.tools && server.tools.offered();
  filter.prompts = filter.prompts && server.prompts.offered();
  filter.resources = filter.resources && server.offersResources();
  if (!server.offersResources()) filter.uris.clear();
  return std::nullopt;
}

}  // namespace

void listen(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  Filter filter;
  if (const auto bad = readFilter(server, request, filter)) return request.error(*bad);
  if (server.audience.full())
    return request.error(overloaded("listeners_max", server.audience.listenersMax(),
                                    "end a subscription, or wait until one ends"));
  const auto listening = std::make_shared<Listening>(server, std::move(request), std::move(filter));
  pending = listening;
  listening->start();
}

}  // namespace tutti::mcp
