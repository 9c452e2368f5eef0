#include "server/rest/documents_face.hpp"

#include <array>

#include "server/rest/handlers.hpp"
#include "server/transport/transport.hpp"

namespace tutti::rest {
namespace {

struct Route {
  std::string_view method;
  std::string_view path;
  transport::HttpBodyPlan (*handle)(const SharedCall&);
};

/// Each of these is also there below /partitions/{partition}.
constexpr std::array kInPartitions = {
    Route{"POST", "/documents", createDocument},
    Route{"GET", "/documents", listDocuments},
    Route{"GET", "/documents/{id}", getContent},
    Route{"DELETE", "/documents/{id}", deleteDocument},
    Route{"GET", "/documents/{id}/metadata", getMetadata},
    Route{"PATCH", "/documents/{id}/metadata", changeMetadata},
    Route{"PUT", "/documents/{id}/content", putContent},
    Route{"PATCH", "/documents/{id}/content", editContent},
    Route{"GET", "/documents/{id}/relations", listRelations},
    Route{"GET", "/documents/{id}/versions", listVersions},
    Route{"GET", "/documents/{id}/versions/{version}", getVersion},
    Route{"GET", "/documents/{id}/diff", getDiff},
    Route{"POST", "/documents/{id}/restore", restoreVersion},
    Route{"GET", "/relations/definitions", listRelationDefinitions},
    Route{"POST", "/relations", createRelation},
    Route{"PATCH", "/relations/{id}", changeRelation},
    Route{"DELETE", "/relations/{id}", deleteRelation},
    Route{"GET", "/search", searchDocuments},
};
constexpr std::array kOthers = {
    Route{"POST", "/partitions", createPartition},
    Route{"GET", "/partitions", listPartitions},
    Route{"DELETE", "/partitions/{partition}", deletePartition},
};
constexpr std::string_view kPartition = "/partitions/{partition}";

// A handler's number: its place in kOthers, then in kInPartitions, then there below a partition.
constexpr int kInPartitionsFrom = static_cast<int>(kOthers.size());
constexpr int kPartitionedFrom = kInPartitionsFrom + static_cast<int>(kInPartitions.size());

const Route& routeOf(int handler) {
  if (handler < kInPartitionsFrom) return kOthers[static_cast<std::size_t>(handler)];
  const int from = handler < kPartitionedFrom ? kInPartitionsFrom : kPartitionedFrom;
  return kInPartitions[static_cast<std::size_t>(handler - from)];
}

std::string ownedOr(std::optional<std::string_view> value, std::string_view otherwise = {}) {
  return std::string(value.value_or(otherwise));
}

std::optional<std::string> owned(std::optional<std::string_view> value) {
  if (!value) return std::nullopt;
  return std::string(*value);
}

/// What of the head a handler may want.
void readHead(const transport::HttpRequestHead& head, Call& call) {
  call.method = head.method;
  call.content_type = ownedOr(head.header("Content-Type"));
  call.range = ownedOr(head.header("Range"));
  call.idempotency_key = ownedOr(head.header("Idempotency-Key"));
  call.caller.session_id = ownedOr(head.header("X-Agent-Session-Id"));
  call.create_partition = head.header("X-Context-Store-Partition-Auto-Create") == "true";
  call.conditions.if_match = owned(head.header("If-Match"));
  call.conditions.if_none_match = owned(head.header("If-None-Match"));
  call.conditions.if_modified_since = owned(head.header("If-Modified-Since"));
  call.conditions.if_unmodified_since = owned(head.header("If-Unmodified-Since"));
  call.conditions.if_range = owned(head.header("If-Range"));
}

std::string withoutSlash(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

}  // namespace

DocumentsFace::DocumentsFace(documents::DocumentService& service, DocumentsFaceOptions options)
    : service_(service), options_{withoutSlash(std::move(options.public_url)), options.search} {
  addRoutes();
}

void DocumentsFace::addRoutes() {
  int handler = 0;
  for (const Route& route : kOthers) routes_.add(route.method, route.path, handler++);
  for (const Route& route : kInPartitions) routes_.add(route.method, route.path, handler++);
  for (const Route& route : kInPartitions)
    routes_.add(route.method, std::string(kPartition) + std::string(route.path), handler++);
}

transport::HttpBodyPlan DocumentsFace::request(
    const transport::HttpRequestHead& head,
    const std::shared_ptr<transport::HttpExchange>& exchange) {
  const auto call = std::make_shared<Call>(service_, exchange);
  call->search = options_.search;
  readHead(head, *call);
  call->target = parseTarget(head.target);
  call->base_url = options_.public_url;
  if (call->base_url.empty())
    call->base_url =
        (head.peer.tls ? "https://" : "http://") + ownedOr(head.header("Host"), "localhost");
  const std::string_view method = head.method == "HEAD" ? "GET" : head.method;
  auto match = routes_.find(method, call->target.segments);
  if (match.kind == RouteTable::Match::Kind::NoSuchPath) {
    call->refuse(404, "Not Found");
    return {};
  }
  if (match.kind == RouteTable::Match::Kind::WrongMethod) {
    call->refuse(405, "Method Not Allowed", {{"Allow", match.allowed}});
    return {};
  }
  // FastAPI sends clients there, and so do we.
  if (call->target.ends_with_slash) {
    std::string location(head.path());
    while (location.ends_with('/')) location.pop_back();
    if (!head.query().empty()) location.append("?").append(head.query());
    call->refuse(307, "Temporary Redirect", {{"Location", location}});
    return {};
  }
  call->partitioned = match.handler >= kPartitionedFrom;
  call->parameters = std::move(match.parameters);
  if (call->partitioned) {
    call->partition = call->parameters.front();
    call->parameters.erase(call->parameters.begin());
  }
  return routeOf(match.handler).handle(call);
}

void DocumentsFace::addTo(transport::HttpServer& server) {
  for (const char* prefix : {"/documents", "/relations", "/search", "/partitions"})
    server.addService(prefix, *this);
}

}  // namespace tutti::rest
