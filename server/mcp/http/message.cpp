#include "server/mcp/http/message.hpp"

#include <algorithm>

#include "server/base/digest.hpp"
#include "server/mcp/header_parameters.hpp"

namespace tutti::mcp::http {
namespace {

struct Name {
  std::string_view lower;
  Header header;
};

constexpr std::array<Name, kHeaderCount> kNames = {{
    {"accept", Header::Accept},
    {"access-control-request-method", Header::PreflightMethod},
    {"authorization", Header::Authorization},
    {"content-type", Header::ContentType},
    {"host", Header::Host},
    {"last-event-id", Header::LastEventId},
    {"mcp-method", Header::McpMethod},
    {"mcp-name", Header::McpName},
    {"mcp-protocol-version", Header::ProtocolVersion},
    {"mcp-session-id", Header::SessionId},
    {"origin", Header::Origin},
    {"x-agent-session-id", Header::AgentSessionId},
}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool sameName(std::string_view lowered, std::string_view name) {
  return lowered.size() == name.size() && std::equal(lowered.begin(), lowered.end(), name.begin(),
                                                     [](char a, char b) { return a == lower(b); });
}

std::string_view withoutSpaces(std::string_view value) {
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

}  // namespace

void HttpReply::respondAround(const HttpResponse& response, std::string_view before,
                              std::string_view behind) {
  std::string whole(before);
  whole.append(response.body).append(behind);
  HttpResponse joined = response;
  joined.body = whole;
  respond(joined);
}

std::optional<Header> headerNamed(std::string_view name) {
  for (const Name& known : kNames)
    if (sameName(known.lower, name)) return known.header;
  return std::nullopt;
}

bool isParameterHeader(std::string_view name) {
  return name.size() > kHeaderParameterPrefix.size() &&
         sameName(kHeaderParameterPrefix, name.substr(0, kHeaderParameterPrefix.size()));
}

std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const {
  for (const auto& [known, value] : parameters_)
    if (sameName(name, known)) return value;
  return std::nullopt;
}

void HttpRequest::addParameter(std::string_view name, std::string_view value) {
  const std::string_view clean = withoutSpaces(value);
  for (const auto& [known, before] : parameters_)
    if (name.size() == known.size() && before != clean &&
        std::equal(name.begin(), name.end(), known.begin(),
                   [](char a, char b) { return lower(a) == lower(b); }))
      contradictory_ = true;
  parameters_.emplace_back(name, clean);
}

void HttpRequest::setHeader(Header name, std::string_view value) {
  auto& slot = headers_[static_cast<std::size_t>(name)];
  const std::string_view clean = withoutSpaces(value);
  // Accept is a list: another line continues it, and any of its lines may be the one that fits.
  const bool repeated = slot.has_value() && *slot != clean;
  if (repeated && name != Header::Accept) contradictory_ = true;
  if (!repeated) slot = clean;
}

std::string credentialOf(const HttpRequest& request) {
  const auto& shown = request.header(Header::Authorization);
  if (!shown) return {};
  return "credential:" + base64Url(sha256(shown->substr(shown->find(' ') + 1)));
}

}  // namespace tutti::mcp::http
