// One request on its way through the core.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>  // InputRound holds values
#include <optional>
#include <string>

#include "server/mcp/envelope.hpp"
#include "server/mcp/error_map.hpp"
#include "server/mcp/exchange.hpp"
#include "server/mcp/peer.hpp"
#include "server/mcp/revision.hpp"
#include "server/mcp/tool.hpp"
#include "server/rpc/message.hpp"

namespace tutti::mcp {

class TaskRun;

/// Under which rules a request is answered, and for whom.
struct Context {
  Revision revision = kLatestLegacy;
  Caller caller;
  std::string progress_token;                ///< JSON text; empty: none
  std::shared_ptr<const Envelope> envelope;  ///< of a modern request; null for a legacy one
  bool modern() const { return isModern(revision); }
};

/// What the rounds before this one have brought: see RequestContext::needInput().
struct InputRound {
  std::map<std::string, Json, std::less<>> answers;  ///< objects, by key
  std::string state;
  int number = 0;  ///< rounds before this one; counted for older revisions only
};

/// A request with all that its answer needs. A method either answers it at once or moves it into
/// something that does later.
struct Request {
  rpc::Id id;
  std::string method;
  Json params;
  Context context;
  std::shared_ptr<Peer> peer;  ///< null for a modern request over HTTP: nothing is remembered
  std::shared_ptr<Exchange> exchange;
  std::shared_ptr<const InputRound> round;  ///< null in the first round
  std::shared_ptr<TaskRun> task;            ///< null unless the request has become a task

  /// `body` is the whole result object.
  void result(std::string_view body) const;
  /// The same in pieces, of which the middle one is not copied more than once.
  void result(const FrameParts& parts) const;
  void error(const WireError& error) const;
};

}  // namespace tutti::mcp
