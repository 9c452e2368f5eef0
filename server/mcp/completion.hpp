// Suggestions for an argument while somebody types it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/request_context.hpp"

namespace tutti::mcp {

/// Best first. Only the first 100 are sent; `total` says how many there are when that is known, and
/// `more` that there are more than `values` when it is not.
struct CompletionOutput {
  std::vector<std::string> values;
  std::optional<std::int64_t> total = {};
  bool more = false;
};

/// One completion/complete under way.
class CompletionCall : public RequestContext {
 public:
  /// The argument of the prompt, or the variable of the template, and what is typed so far.
  virtual const std::string& argument() const = 0;
  virtual const std::string& value() const = 0;
  /// Those that are settled already, by name; an object of strings.
  virtual const Json& settled() const = 0;

  /// Ends the request, exactly once; later ones are ignored.
  virtual void finish(Result<CompletionOutput> result) = 0;
};

using CompletionHandler = std::function<void(std::shared_ptr<CompletionCall>)>;

}  // namespace tutti::mcp
