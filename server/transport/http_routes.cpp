#include "server/transport/http_routes.hpp"

#include <algorithm>

namespace tutti::transport {
namespace {

bool covers(std::string_view prefix, std::string_view path) {
  if (path.substr(0, prefix.size()) != prefix) return false;
  return path.size() == prefix.size() || path[prefix.size()] == '/';
}

}  // namespace

void HttpRoutes::add(std::string prefix, HttpService& service) {
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  const auto shorter = [&](const Route& route) { return route.prefix.size() < prefix.size(); };
  const auto at = std::find_if(routes_.begin(), routes_.end(), shorter);
  routes_.insert(at, {std::move(prefix), &service});
  if (std::find(services_.begin(), services_.end(), &service) == services_.end())
    services_.push_back(&service);
}

HttpService* HttpRoutes::find(std::string_view target) const {
  if (routes_.empty()) return nullptr;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool kept = std::find(kept_back_.begin(), kept_back_.end(), path) != kept_back_.end();
  for (const Route& route : routes_)
    if (kept ? route.prefix == path : covers(route.prefix, path)) return route.service;
  return nullptr;
}

}  // namespace tutti::transport
