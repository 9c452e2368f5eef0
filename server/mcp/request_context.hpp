// What every handler of a request that takes time is given, whatever the method and the revision.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::mcp {

/// Who calls, as far as the transport and the protocol tell. Identity comes from the transport,
/// never from the model.
struct Caller {
  std::string revision;     ///< "2025-11-25", "2026-07-28", …
  std::string client_name;  ///< as it called itself; for display only
  std::string
      agent_session_id;  ///< the tutti session this caller is, or empty for a person's client
  bool over_http = false;
};

/// RFC 5424's severities, in rising order.
enum class LogLevel { Debug, Info, Notice, Warning, Error, Critical, Alert, Emergency };

/// The extension that gives requests of 2026-07-28 tasks.
inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";

/// What a client may declare that it can do for us.
enum class ClientFeature { Sampling, SamplingTools, ElicitForm, ElicitUrl, Roots, Tasks };

/// One request under way. Lives on the I/O thread only; the handler may keep the shared_ptr until
/// it has ended the request. Kept by whoever answers: tools/call, prompts/get, resources/read.
class RequestContext {
 public:
  virtual ~RequestContext() = default;
  virtual const Caller& caller() const = 0;

  /// Did the client send a progress token? progress() is a no-op otherwise.
  virtual bool wantsProgress() const = 0;
  /// Strictly increasing values only; a smaller or equal one is dropped, as is one after the end.
  virtual void progress(double value, std::optional<double> total, std::string_view message) = 0;

  /// Sends `data` to the client as notifications/message, if it asked for this level; else a no-op,
  /// as after the end. Never a secret.
  virtual void log(LogLevel level, std::string_view logger, const Json& data) = 0;

  /// True once the client has cancelled or gone away: nobody will read the result.
  virtual bool cancelled() const = 0;
  /// `callback` runs at most once, on the I/O thread, when the call is cancelled before its end;
  /// at once if it already is. One callback per call; a second replaces the first.
  virtual void onCancelled(std::function<void()> callback) = 0;

  /// Has the client declared it, for this request or in its handshake?
  virtual bool clientCan(ClientFeature feature) const = 0;

  /// Ends the request with a JSON-RPC error, for what is wrong with the request itself. What a tool
  /// cannot do is a result: see ToolCall::finish().
  virtual void refuse(Error error) = 0;
};

}  // namespace tutti::mcp
