// What a prompt is to the protocol layer: a description that is served, and a handler that fills it
// in.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/mcp/content.hpp"
#include "server/mcp/icon.hpp"
#include "server/mcp/request_context.hpp"

namespace tutti::mcp {

enum class Presence { Optional, Required };

struct PromptArgument {
  std::string name;
  std::string title = {};
  std::string description = {};
  Presence presence = Presence::Optional;
};

/// One entry of prompts/list.
struct Prompt {
  std::string name;
  std::string title = {};
  std::string description = {};
  std::vector<PromptArgument> arguments = {};
  std::string meta = {};  ///< `_meta`, a JSON object as text; may be empty
  std::vector<Icon> icons = {};
};

enum class Role { User, Assistant };

struct PromptMessage {
  Role role = Role::User;
  Content content;
};

struct PromptOutput {
  std::string description = {};  ///< may be empty
  std::vector<PromptMessage> messages = {};
};

/// One prompts/get under way. The required arguments are there.
class PromptCall : public RequestContext {
 public:
  /// An object of strings.
  virtual const Json& arguments() const = 0;
  /// Ends the request, exactly once; later ones are ignored. An Error is a JSON-RPC error.
  virtual void finish(Result<PromptOutput> result) = 0;
};

using PromptHandler = std::function<void(std::shared_ptr<PromptCall>)>;

}  // namespace tutti::mcp
