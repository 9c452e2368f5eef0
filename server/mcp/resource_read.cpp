// resources/read: from the request to the handler and back.
#include <utility>

#include "server/mcp/json_members.hpp"
#include "server/mcp/methods.hpp"
#include "server/mcp/under_way.hpp"

namespace tutti::mcp {
namespace {

using Variables = std::map<std::string, std::string>;

class Reading final : public UnderWay<ResourceRead> {
 public:
  Reading(Server::Impl& server, Request request, std::string uri, Variables variables)
      : UnderWay(server, std::move(request)),
        uri_(std::move(uri)),
        variables_(std::move(variables)) {}

  const std::string& uri() const override { return uri_; }
  const Variables& variables() const override { return variables_; }

  void finish(Result<ResourceOutput> result) override {
    if (!flow_.open()) return;
    if (!result.ok()) return flow_.error(errorOf(result.error()));
    std::string frame = flow_.resultHead();
    appendOutput(frame, *result);
    frame += '}';
    flow_.reply(std::move(frame));
  }

 private:
  WireError errorOf(const Error& error) const {
    if (error.code() != Code::NotFound) return {errorBody(error)};
    return resourceNotFound(uri_, isModern(flow_.revision()));
  }

  void appendOutput(std::string& to, const ResourceOutput& output) const {
    to += "{\"contents\":[";
    for (const ResourceContents& contents : output.contents) {
      if (to.back() != '[') to += ',';
      appendContents(to, contents);
    }
    to += ']';
    if (isModern(flow_.revision())) {
      appendJsonMember(to, "ttlMs", std::to_string(output.ttl_ms));
      appendTextMember(to, "cacheScope", output.scope == CacheScope::Public ? "public" : "private");
      to += flow_.server().tail.modern;
    }
    to += '}';
  }

  const std::string uri_;
  const Variables variables_;
};

}  // namespace

void readResource(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const std::string* given = stringParameter(request, "uri");
  if (given == nullptr)
    return request.error(invalidParams("'uri' must be a string: the resource to read"));
  std::string uri = *given;
  auto reader = server.readerOf(uri);
  if (!reader.handler) return request.error(resourceNotFound(uri, request.context.modern()));

  auto reading = std::make_shared<Reading>(server, std::move(request), std::move(uri),
                                           std::move(reader.variables));
  begin<ResourceRead>(reading, pending);
  reader.handler(std::move(reading));
}

}  // namespace tutti::mcp
