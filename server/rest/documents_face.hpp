// AOF's context store over HTTP: its 30 routes, and ours for versions and metadata beside them.
#pragma once

#include <string>

#include "server/documents/service.hpp"
#include "server/rest/route_table.hpp"
#include "server/transport/http_service.hpp"

namespace tutti::search {
class DocumentSearch;
}
namespace tutti::transport {
class HttpServer;
}

namespace tutti::rest {

struct DocumentsFaceOptions {
  /// In front of a document's path in its `url`; "": as the request's Host has it.
  std::string public_url;
  /// Outlives the face. Null: /search says that it is not enabled.
  search::DocumentSearch* search = nullptr;
};

/// Everything below /documents, /relations, /search and /partitions. Runs on the I/O thread only.
class DocumentsFace final : public transport::HttpService {
 public:
  /// `service` outlives the face.
  DocumentsFace(documents::DocumentService& service, DocumentsFaceOptions options);

  transport::HttpBodyPlan request(
      const transport::HttpRequestHead& head,
      const std::shared_ptr<transport::HttpExchange>& exchange) override;

  void addTo(transport::HttpServer& server);

 private:
  void addRoutes();

  documents::DocumentService& service_;
  const DocumentsFaceOptions options_;
  RouteTable routes_;
};

}  // namespace tutti::rest
