// Who may talk to a server that runs on somebody's own machine: the defence against DNS rebinding.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/mcp/http/message.hpp"

namespace tutti::mcp::http {

/// Host: loopback names, numeric addresses (nobody can rebind those) and the names allowed in the
/// configuration. Origin: absent, loopback, the same as Host, or allowed in the configuration.
class Guard {
 public:
  Guard(std::vector<std::string> allowed_hosts, std::vector<std::string> allowed_origins)
      : hosts_(std::move(allowed_hosts)), origins_(std::move(allowed_origins)) {}

  /// Why the request is refused (403), or nothing.
  std::optional<std::string> refusal(const HttpRequest& request) const;

 private:
  bool hostAllowed(std::string_view authority) const;
  bool originAllowed(std::string_view origin, std::string_view host) const;

  std::vector<std::string> hosts_;
  std::vector<std::string> origins_;
};

}  // namespace tutti::mcp::http
