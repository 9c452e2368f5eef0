// An HTTP endpoint without a socket: requests as values, answers as records.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/mcp/http/endpoint.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::fixture {

/// What the client of one request would see.
struct RecordedReply final : mcp::http::HttpReply {
  void respond(const mcp::http::HttpResponse& response) override {
    status = response.status;
    body = response.body;
    headers = response.extra_headers;
    done = true;
  }
  void openStream(std::string_view extra_headers) override {
    status = 200;
    headers = extra_headers;
    stream = true;
  }
  void event(const mcp::http::ServerEvent& event) override {
    if (!event.id.empty()) ids.emplace_back(event.id);
    if (event.retry_ms > 0) retry_ms = event.retry_ms;
    if (!event.data.empty()) events.emplace_back(event.data);
    if (!event.data.empty()) names.emplace_back(event.name);
  }
  void endStream() override { done = true; }
  void onGone(std::function<void()> callback) override { gone = std::move(callback); }

  int code() const {
    const Json frame = Json::parse(body, nullptr, false);
    return frame.is_object() && frame.contains("error") ? frame["error"]["code"].get<int>() : 0;
  }
  Json json() const { return Json::parse(body); }

  int status = 0;
  std::string body;
  std::string headers;
  std::vector<std::string> events;  ///< with data
  std::vector<std::string> names;  // of the events
  std::vector<std::string> ids;     ///< of all events
  std::int64_t retry_ms = 0;
  std::function<void()> gone;
  bool stream = false;
  bool done = false;
};

using Headers = std::map<std::string, std::string>;

inline const std::string kVersionKey = "io.modelcontextprotocol/protocolVersion";
inline const std::string kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

inline Json modernMeta() {
  return Json{{kVersionKey, "2026-07-28"}, {kCapabilitiesKey, Json::object()}};
}

inline Json request(const Json& id, const std::string& method, Json params = Json::object()) {
  return Json{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

inline Json modern(const Json& id, const std::string& method, Json params = Json::object()) {
  params["_meta"] = modernMeta();
  return request(id, method, std::move(params));
}

inline Headers modernHeaders(const std::string& method, const std::string& name = "") {
  Headers headers{{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", method}};
  if (!name.empty()) headers["Mcp-Name"] = name;
  return headers;
}

/// A server with the fixture tools behind an endpoint.
class HttpFixture {
 public:
  explicit HttpFixture(mcp::http::EndpointOptions endpoint_options = {},
                       mcp::ServerOptions server_options = options())
      : server_(std::move(server_options)), endpoint_(server_, std::move(endpoint_options)) {
    addTools(server_, held);
  }

  std::shared_ptr<RecordedReply> send(const std::string& method, const std::string& body,
                                      const Headers& headers) {
    mcp::http::HttpRequest http;
    http.method = method;
    http.target = "/mcp";
    http.body = body;
    for (const auto& [name, value] : headers)
      if (const auto known = mcp::http::headerNamed(name))
        http.setHeader(*known, value);
      else if (mcp::http::isParameterHeader(name))
        http.addParameter(name, value);
    auto reply = std::make_shared<RecordedReply>();
    endpoint_.handle(http, reply);
    return reply;
  }
  std::shared_ptr<RecordedReply> post(const std::string& body, Headers headers = {}) {
    headers.emplace("Content-Type", "application/json");
    headers.emplace("Accept", "application/json, text/event-stream");
    return send("POST", body, headers);
  }
  std::shared_ptr<RecordedReply> post(const Json& body, const Headers& headers = {}) {
    return post(body.dump(), headers);
  }
  std::shared_ptr<RecordedReply> get(const std::string& session,
                                     const std::string& last_event_id = "") {
    Headers headers{{"Accept", "text/event-stream"}, {"Mcp-Session-Id", session}};
    if (!last_event_id.empty()) headers["Last-Event-ID"] = last_event_id;
    return send("GET", "", headers);
  }

  /// A legacy session's id.
  std::string open(const std::string& revision = "2025-11-25",
                   const Json& capabilities = Json::object()) {
    const auto reply = post(
        request(1, "initialize", {{"protocolVersion", revision}, {"capabilities", capabilities}}));
    const std::string name = "Mcp-Session-Id: ";
    if (reply->headers.rfind(name, 0) != 0) return "";
    return reply->headers.substr(name.size(), reply->headers.size() - name.size() - 2);
  }

  Held held;

 private:
  mcp::Server server_;

 public:
  mcp::http::Endpoint& endpoint() { return endpoint_; }
  mcp::Server& server() { return server_; }

 private:
  mcp::http::Endpoint endpoint_;
};

}  // namespace tutti::fixture
