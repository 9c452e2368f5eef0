// Which service has which paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tutti::transport {

class HttpService;

/// A handful of prefixes, looked through in turn. Filled before the first request.
class HttpRoutes {
 public:
  void add(std::string prefix, HttpService& service);
  /// That path, exactly, is nobody's service, unless a prefix says just the same.
  void keepBack(std::string path) { kept_back_.push_back(std::move(path)); }

  /// The service with the longest prefix; null when there is none.
  HttpService* find(std::string_view target) const;
  const std::vector<HttpService*>& services() const { return services_; }

 private:
  struct Route {
    std::string prefix;  // without a slash at its end: "" is everything
    HttpService* service;
  };
  std::vector<Route> routes_;  // the longest prefix first
  std::vector<std::string> kept_back_;
  std::vector<HttpService*> services_;  // each once
};

}  // namespace tutti::transport
