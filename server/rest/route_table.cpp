#include "server/rest/route_table.hpp"

#include <set>

#include "server/rest/target.hpp"

namespace tutti::rest {
namespace {

constexpr std::string_view kAny = "{}";

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return false;
  for (std::size_t at = 0; at < pattern.size(); ++at)
    if (pattern[at] == kAny ? segments[at].empty() : pattern[at] != segments[at]) return false;
  return true;
}

}  // namespace

void RouteTable::add(std::string_view method, std::string_view pattern, int handler) {
  Route route{std::string(method), parseTarget(pattern).segments, handler};
  for (std::string& segment : route.segments)
    if (segment.front() == '{') segment = kAny;
  routes_.push_back(std::move(route));
}

RouteTable::Match RouteTable::find(std::string_view method,
                                   const std::vector<std::string>& segments) const {
  Match match;
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    if (!matches(route.segments, segments)) continue;
    if (route.method != method) {
      allowed.insert(route.method);
      continue;
    }
    match.kind = Match::Kind::Found;
    match.handler = route.handler;
    for (std::size_t at = 0; at < segments.size(); ++at)
      if (route.segments[at] == kAny) match.parameters.push_back(segments[at]);
    return match;
  }
  if (allowed.empty()) return match;
  match.kind = Match::Kind::WrongMethod;
  for (const std::string& name : allowed)
    match.allowed += (match.allowed.empty() ? "" : ", ") + name;
  return match;
}

bool RouteTable::knows(const std::vector<std::string>& segments) const {
  for (const Route& route : routes_)
    if (matches(route.segments, segments)) return true;
  return false;
}

}  // namespace tutti::rest
