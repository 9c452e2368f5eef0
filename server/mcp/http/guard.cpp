#include "server/mcp/http/guard.hpp"

#include <algorithm>
#include <cctype>

#include "server/base/text.hpp"

namespace tutti::mcp::http {
namespace {

bool sameText(std::string_view a, std::string_view b) {
  const auto low = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [low](char x, char y) { return low(x) == low(y); });
}

/// "localhost:8765" → "localhost", "[::1]:80" → "[::1]".
std::string_view withoutPort(std::string_view authority) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos) return authority;
  if (bracket != std::string_view::npos && colon < bracket) return authority;
  return authority.substr(0, colon);
}

bool isLoopback(std::string_view host) {
  return sameText(host, "localhost") || host == "127.0.0.1" || host == "[::1]";
}

bool isNumericAddress(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[' && host.back() == ']')
    return host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  // Four groups of digits; a name ending in a number is no valid host name, so this is enough.
  return host.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

/// "http://localhost:3000" → "localhost:3000"; empty when it is no http origin.
std::string_view authorityOf(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.substr(0, scheme.size()) == scheme) return origin.substr(scheme.size());
  return {};
}

}  // namespace

bool Guard::hostAllowed(std::string_view authority) const {
  const std::string_view host = withoutPort(authority);
  if (isLoopback(host) || isNumericAddress(host)) return true;
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const std::string& allowed) {
    return sameText(allowed, host) || sameText(allowed, authority);
  });
}

bool Guard::originAllowed(std::string_view origin, std::string_view host) const {
  const std::string_view authority = authorityOf(origin);
  if (!authority.empty() && (isLoopback(withoutPort(authority)) || sameText(authority, host)))
    return true;
  return std::any_of(origins_.begin(), origins_.end(),
                     [&](const std::string& allowed) { return sameText(allowed, origin); });
}

std::optional<std::string> Guard::refusal(const HttpRequest& request) const {
  const std::string_view host = request.header(Header::Host).value_or("");
  // HTTP/1.0 clients may leave Host out; a browser, which is what this is about, never does.
  if (request.header(Header::Host) && !hostAllowed(host))
    return "Host '" + shortened(host, 100) + "' is not allowed (see allowed_hosts)";
  const auto& origin = request.header(Header::Origin);
  if (origin && !originAllowed(*origin, host))
    return "Origin '" + shortened(*origin, 100) + "' is not allowed (see allowed_origins)";
  return std::nullopt;
}

}  // namespace tutti::mcp::http
