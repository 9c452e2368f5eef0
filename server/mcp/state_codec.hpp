// requestState: what a client carries from round to round for us, and cannot change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/clock.hpp"
#include "server/json/json.hpp"
#include "server/mcp/request_context.hpp"

namespace tutti::mcp {

/// What a state belongs to: it opens for no other method, parameters or caller.
struct StateBinding {
  std::string method;
  std::string params_digest;
  std::string principal;
};

/// `params` may be null, and may hold inputResponses and requestState, which do not count.
StateBinding bindingOf(std::string_view method, const Json& params, const Caller& caller);

/// Seals with HMAC-SHA256: "v1.<base64url of expiry and payload>.<base64url of the code>". Nothing
/// of it is hidden. Runs on the I/O thread.
class StateCodec {
 public:
  /// See ServerOptions::request_state_keys. Costs nothing until the first use.
  StateCodec(std::vector<std::string> keys, std::int64_t valid_s, const Clock& clock)
      : keys_(std::move(keys)), valid_s_(valid_s), clock_(clock) {}

  std::string seal(std::string_view payload, const StateBinding& binding);
  /// The payload; nothing when it was changed, has expired or belongs elsewhere. Which of these it
  /// was is for nobody to know.
  std::optional<std::string> open(std::string_view sealed, const StateBinding& binding);

 private:
  const std::vector<std::string>& keys();

  std::vector<std::string> keys_;
  const std::int64_t valid_s_;
  const Clock& clock_;
};

}  // namespace tutti::mcp
