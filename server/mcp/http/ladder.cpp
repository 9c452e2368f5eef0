#include "server/mcp/http/ladder.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "server/base/text.hpp"
#include "server/mcp/header_parameters.hpp"
#include "server/mcp/revision.hpp"

namespace tutti::mcp::http {
namespace {

using rpc::Message;

HttpRefusal legacyRefusal(int status, std::string message) {
  return {{}, {{kLegacyTransport, std::move(message), {}}, status}};
}

HttpRefusal mismatch(const rpc::Id& id, std::string message) {
  return {id, {{kHeaderMismatch, "Header mismatch: " + std::move(message), {}}, 400}};
}

Classified refused(HttpRefusal refusal) {
  Classified result;
  result.refusal = std::move(refusal);
  return result;
}

Classified of(Classified::Kind kind) {
  Classified result;
  result.kind = kind;
  return result;
}

std::string lowered(std::string_view text) {
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return low;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Does an Accept list take `type`? Parameters are ignored, but q=0 is a no.
bool accepts(std::string_view list, std::string_view type) {
  if (list == "application/json, text/event-stream") return true;  // what nearly all clients send
  const std::string any_subtype = std::string(type.substr(0, type.find('/'))) + "/*";
  const std::string low = lowered(list);
  std::string_view rest = low;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view range = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::string_view name = trimmed(range.substr(0, range.find(';')));
    const bool refused = range.find("q=0") != range.npos && range.find("q=0.") == range.npos;
    if (!refused && (name == type || name == any_subtype || name == "*/*")) return true;
  }
  return false;
}

bool isJson(std::string_view content_type) {
  if (content_type == "application/json") return true;
  return lowered(trimmed(content_type.substr(0, content_type.find(';')))) == "application/json";
}

bool namesModern(const std::optional<std::string_view>& version) {
  if (!version) return false;
  const auto revision = parseRevision(*version);
  return revision && isModern(*revision);
}

/// The parameter that Mcp-Name must repeat; empty for methods without one.
std::string_view nameParameter(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel")
    return "taskId";
  return {};
}

std::optional<HttpRefusal> checkName(const HttpRequest& request, const Message& message) {
  const std::string_view parameter = nameParameter(message.method);
  if (parameter.empty()) return std::nullopt;
  const auto& header = request.header(Header::McpName);
  if (!header) return mismatch(message.id, "Mcp-Name is missing");
  const Json* value = json::find(message.params, parameter);
  // A parameter that is missing or no string is the method's to refuse.
  if (value == nullptr || !value->is_string()) return std::nullopt;
  const auto& name = value->get_ref<const std::string&>();
  if (*header == name || headerValue(*header) == name) return std::nullopt;
  return mismatch(message.id, "Mcp-Name is not the request's '" + std::string(parameter) + "'");
}

std::optional<HttpRefusal> checkModernHeaders(const HttpRequest& request, const Message& message,
                                              const Envelope& envelope) {
  const auto& version = request.header(Header::ProtocolVersion);
  if (!version) return mismatch(message.id, "MCP-Protocol-Version is missing");
  if (*version != envelope.protocol_version)
    return mismatch(message.id, "MCP-Protocol-Version differs from the version in _meta");
  const auto& method = request.header(Header::McpMethod);
  if (!method) return mismatch(message.id, "Mcp-Method is missing");
  if (*method != message.method)
    return mismatch(message.id, "Mcp-Method is not the request's method");
  if (auto refusal = checkName(request, message)) return refusal;
  const auto revision = parseRevision(envelope.protocol_version);
  if (!revision || !isModern(*revision))
    return HttpRefusal{message.id, unsupportedVersion(envelope.protocol_version)};
  return std::nullopt;
}

Classified classifyBatch(const rpc::Decoded& decoded) {
  for (const rpc::Item& item : decoded.items) {
    if (!item.valid) {
      HttpRefusal refusal{item.refusal.id, {item.refusal.error, 400}};
      refusal.error.body.code = rpc::kInvalidRequest;
      return refused(std::move(refusal));
    }
    const bool lone = claimsModern(item.message) || item.message.method == "initialize";
    if (!lone) continue;
    rpc::ErrorBody body{rpc::kInvalidRequest,
                        "Invalid Request: this message cannot be part of a batch; send it alone",
                        {}};
    return refused({{}, {std::move(body), 400}});
  }
  return of(Classified::Kind::LegacyBatch);
}

Classified classifyModern(const HttpRequest& request, const Message& message,
                          EnvelopeReader& envelopes) {
  Classified result = of(Classified::Kind::Modern);
  if (const auto bad = envelopes.read(message, result.envelope)) return refused({message.id, *bad});
  if (auto bad = checkModernHeaders(request, message, *result.envelope))
    return refused(std::move(*bad));
  return result;
}

Classified classifyUnclaimed(const HttpRequest& request, const Message& message) {
  const bool modern_header = namesModern(request.header(Header::ProtocolVersion));
  switch (message.kind) {
    case Message::Kind::Response: {
      if (!modern_header) return of(Classified::Kind::Legacy);
      rpc::ErrorBody body{
          rpc::kInvalidRequest, "Invalid Request: this revision has no requests to answer", {}};
      return refused({{}, {std::move(body), 400}});
    }
    case Message::Kind::Notification:
      return of(modern_header ? Classified::Kind::ModernNotification : Classified::Kind::Legacy);
    case Message::Kind::Request:
      break;
  }
  if (message.method == "initialize") {
    if (modern_header)
      return refused(
          mismatch(message.id, "MCP-Protocol-Version names a revision without a handshake"));
    return of(Classified::Kind::LegacyInitialize);
  }
  if (!modern_header) return of(Classified::Kind::Legacy);
  std::shared_ptr<const Envelope> nothing;
  const auto missing = EnvelopeReader().read(message, nothing);
  return refused({message.id, *missing});
}

}  // namespace

std::optional<HttpRefusal> checkPostHeaders(const HttpRequest& request) {
  if (request.contradictory())
    return legacyRefusal(400, "Bad Request: a header is given twice with different values");
  if (!isJson(request.header(Header::ContentType).value_or("")))
    return legacyRefusal(415, "Unsupported Media Type: Content-Type must be application/json");
  const auto& accept = request.header(Header::Accept);
  if (accept && !(accepts(*accept, "application/json") && accepts(*accept, "text/event-stream")))
    return legacyRefusal(406,
                         "Not Acceptable: Accept must list application/json and text/event-stream");
  return std::nullopt;
}

std::optional<HttpRefusal> checkGetHeaders(const HttpRequest& request) {
  const auto& accept = request.header(Header::Accept);
  if (accept && accepts(*accept, "text/event-stream")) return std::nullopt;
  return legacyRefusal(406, "Not Acceptable: Accept must list text/event-stream");
}

Classified classify(const HttpRequest& request, const rpc::Decoded& decoded,
                    EnvelopeReader& envelopes) {
  if (decoded.batch) return classifyBatch(decoded);
  const rpc::Item& item = decoded.items.front();
  if (!item.valid) return refused({item.refusal.id, {item.refusal.error, 400}});
  const Message& message = item.message;
  if (!claimsModern(message)) return classifyUnclaimed(request, message);
  if (message.kind == Message::Kind::Request) return classifyModern(request, message, envelopes);
  return of(Classified::Kind::ModernNotification);
}

}  // namespace tutti::mcp::http
