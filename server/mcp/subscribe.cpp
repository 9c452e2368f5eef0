// resources/subscribe and unsubscribe: what an older client wants to hear of.
#include <utility>

#include "server/mcp/methods.hpp"
#include "server/mcp/under_way.hpp"

namespace tutti::mcp {
namespace {

/// The URI to watch or not; answers the request itself when there is none.
const std::string* watchedUri(Request& request) {
  const std::string* uri = stringParameter(request, "uri");
  if (uri == nullptr) request.error(invalidParams("'uri' must be a string: the resource to watch"));
  return uri;
}

/// A subscribe whose resource is looked for.
class Subscribing final : public UnderWay<ResourceRead> {
 public:
  Subscribing(Server::Impl& server, Request request, std::string uri)
      : UnderWay(server, std::move(request)), uri_(std::move(uri)) {}

  const std::string& uri() const override { return uri_; }
  const std::map<std::string, std::string>& variables() const override { return variables_; }

  void finish(Result<ResourceOutput> found) override {
    if (!flow_.open()) return;
    if (!found.ok())
      return flow_.error(found.error().code() == Code::NotFound
                             ? resourceNotFound(uri_, isModern(flow_.revision()))
                             : WireError{errorBody(found.error())});
    Server::Impl& server = flow_.server();
    auto& watched = flow_.request().peer->watched;
    if (watched.size() >= server.options.watched_max && !watched.contains(uri_))
      return flow_.error(overloaded("watched_max", server.options.watched_max,
                                    "unsubscribe from resources that no longer matter"));
    watched.insert(uri_);
    server.audience.watchChanged();
    flow_.reply(flow_.resultHead() + "{}}");
  }

 private:
  const std::string uri_;
  const std::map<std::string, std::string> variables_;
};

}  // namespace

void subscribe(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const std::string* given = watchedUri(request);
  if (given == nullptr) return;
  std::string uri = *given;
  const auto reader = server.readerOf(uri);
  if (!reader.handler) return request.error(resourceNotFound(uri, request.context.modern()));
  auto subscribing = std::make_shared<Subscribing>(server, std::move(request), std::move(uri));
  begin<ResourceRead>(subscribing, pending);
  if (!reader.find) return subscribing->finish(ResourceOutput{});
  reader.find(subscribing->caller(), reader.variables, [subscribing](const Status& found) {
    if (!found.ok()) return subscribing->finish(found.error());
    subscribing->finish(ResourceOutput{});
  });
}

void unsubscribe(Server::Impl& server, Request& request, std::shared_ptr<Pending>&) {
  const std::string* uri = watchedUri(request);
  if (uri == nullptr) return;
  request.peer->watched.erase(*uri);
  server.audience.watchChanged();
  request.result("{}");
}

}  // namespace tutti::mcp
