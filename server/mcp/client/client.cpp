#include "server/mcp/client/client.hpp"

#include <unordered_set>

#include "server/base/text.hpp"
#include "server/mcp/client/state.hpp"
#include "server/rpc/scan.hpp"

namespace tutti::mcp::client {
namespace {

/// A list that comes in pages.
struct Listing {
  ListKind kind;
  ListDone done;
  std::vector<ListEntry> entries;
  std::unordered_set<std::string> cursors;
  std::size_t bytes = 0;
};

Error listBound(std::string_view limit, std::string_view method) {
  return Error(Code::ResourceExhausted,
               "the list of '" + std::string(method) + "' is larger than " + std::string(limit))
      .named(std::string(limit));
}

/// Takes one page. An Error when the answer is no page or too much.
Status takePage(Listing& listing, const Reply& page, const Options& options) {
  const ListNames names = listNames(listing.kind);
  const Json* values = json::find(page.value, names.member);
  if (values == nullptr || !values->is_array())
    return invalidAnswer(names.method, "has no array '" + std::string(names.member) + "'");
  auto texts = rpc::elementSpans(rpc::memberSpan(page.text, names.member));
  const bool has_texts = texts.size() == values->size();
  listing.bytes += page.text.size();
  if (listing.bytes > options.list_bytes_max) return listBound("list_bytes_max", names.method);
  if (listing.entries.size() + values->size() > options.entries_max)
    return listBound("entries_max", names.method);
  for (std::size_t i = 0; i < values->size(); ++i) {
    const Json& value = (*values)[i];
    if (!value.is_object()) continue;
    listing.entries.push_back({value, has_texts ? std::string(texts[i]) : json::dump(value)});
  }
  return ok();
}

}  // namespace

ListNames listNames(ListKind kind) {
  switch (kind) {
    case ListKind::Tools:
      return {"tools/list", "tools", "tools"};
    case ListKind::Resources:
      return {"resources/list", "resources", "resources"};
    case ListKind::ResourceTemplates:
      return {"resources/templates/list", "resourceTemplates", "resources"};
    case ListKind::Prompts:
      break;
  }
  return {"prompts/list", "prompts", "prompts"};
}

Client::Client(Channel& channel, Options options, Events& events)
    : state_(std::make_shared<State>(channel, std::move(options), events)) {}

Client::~Client() {
  state_->alive = false;
  state_->loseAll(Error(Code::Cancelled, "the connection to the server was closed"));
}

void Client::start() {
  if (state_->phase == Phase::New) state_->probe();
}
bool Client::ready() const {
  return state_->phase == Phase::Ready;
}
const ServerFacts& Client::facts() const {
  return state_->facts;
}
std::size_t Client::inFlight() const {
  return state_->pending.size() - (state_->follow_ticket == 0 ? 0 : 1) -
         (state_->watch_ticket == 0 ? 0 : 1);
}

bool Client::awaits(const rpc::Id& id) const {
  return state_->byId(id) != nullptr;
}

Ticket Client::request(std::string_view method, Json params, CallOptions options, Done done) {
  auto request = std::make_unique<Pending>();
  request->method = std::string(method);
  request->params = std::move(params);
  request->options = std::move(options);
  request->done = std::move(done);
  request->takes_input =
      method == "tools/call" || method == "prompts/get" || method == "resources/read";
  if (request->takes_input) {
    const char* key = method == "resources/read" ? "uri" : "name";
    request->name = json::stringOr(request->params, key, "");
  }
  if (state_->phase != Phase::Ready) {
    request->done(Error(Code::Unavailable, "the server is not connected").named("not_connected"));
    return 0;
  }
  return state_->begin(std::move(request));
}

Ticket Client::call(ToolRequest tool, CallOptions options, Done done) {
  Json params = Json::object({{"name", std::move(tool.name)}});
  params["arguments"] = std::move(tool.arguments);
  return request("tools/call", std::move(params), std::move(options), std::move(done));
}

Ticket Client::readResource(const std::string& uri, CallOptions options, Done done) {
  return request("resources/read", Json::object({{"uri", uri}}), std::move(options),
                 std::move(done));
}

Ticket Client::getPrompt(const std::string& name, Json arguments, CallOptions options, Done done) {
  Json params = Json::object({{"name", name}});
  params["arguments"] = std::move(arguments);
  return request("prompts/get", std::move(params), std::move(options), std::move(done));
}

Ticket Client::complete(Json ref, Json argument, Json context, Done done) {
  Json params = Json::object();
  params["ref"] = std::move(ref);
  params["argument"] = std::move(argument);
  if (!context.is_null()) params["context"] = std::move(context);
  return request("completion/complete", std::move(params), {}, std::move(done));
}

void Client::setLogLevel(const std::string& level, Done done) {
  request("logging/setLevel", Json::object({{"level", level}}), {}, std::move(done));
}

void Client::list(ListKind kind, ListDone done) {
  const ListNames names = listNames(kind);
  if (ready() && !state_->declares(names.capability)) return done(std::vector<ListEntry>{});
  auto listing = std::make_shared<Listing>(Listing{kind, std::move(done), {}, {}, 0});
  // Asks for one page after the other. Holds itself only by the request under way.
  const auto ask = std::make_shared<std::function<void(const std::string&)>>();
  const std::weak_ptr<std::function<void(const std::string&)>> weak = ask;
  *ask = [this, listing, weak, names](const std::string& cursor) {
    Json params = Json::object();
    if (!listing->cursors.empty()) params["cursor"] = cursor;
    const auto self = weak.lock();
    request(names.method, std::move(params), {},
            [state = state_, listing, self, names](Result<Reply> page) {
              if (!page.ok()) return listing->done(std::move(page).error());
              if (Status taken = takePage(*listing, *page, state->options); !taken.ok())
                return listing->done(std::move(taken).error());
              const Json* next = json::find(page->value, "nextCursor");
              if (next == nullptr || !next->is_string())
                return listing->done(std::move(listing->entries));
              if (listing->cursors.size() >= state->options.pages_max)
                return listing->done(listBound("pages_max", names.method));
              const std::string following = next->get<std::string>();
              if (!listing->cursors.insert(following).second)
                return listing->done(invalidAnswer(names.method, "names the same page again"));
              (*self)(following);
            });
  };
  (*ask)({});
}

void Client::watch(std::set<std::string> uris) {
  const auto state = state_;
  state->watch_wanted = std::move(uris);
  if (ready()) state->watchNext();
}

void Client::cancel(Ticket ticket, std::string_view reason) {
  const auto state = state_;
  state->cancel(ticket, reason, Error(Code::Cancelled, "the request was cancelled"));
}

void Client::notify(std::string_view method, Json params) {
  if (ready()) state_->sendNotification(method, params);
}

void Client::failed(const rpc::Id& id, Failure failure) {
  const auto state = state_;
  const Pending* request = state->byId(id);
  if (request == nullptr) return;
  const int status = failure.http_status;
  const bool probe = request->ticket == state->probe_ticket;
  // A legacy server may dislike the probe in any way; no answer, or no access, is another matter.
  if (probe && (status == 0 || status == 401 || status == 403))
    return state->loseAll(failure.error);
  state->end(request->ticket, std::move(failure.error));
}

void Client::lost(Error error) {
  const auto state = state_;
  state->loseAll(error);
}

void Client::tick() {
  const auto state = state_;
  state->expire();
}

}  // namespace tutti::mcp::client
