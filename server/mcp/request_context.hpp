// What every handler of a request that takes time is given, whatever the method and the revision.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>  // InputRequest holds a value
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  /// Tells callers apart by the credential that they show: a digest of it. Empty without one, and
  /// on pipes: then the caller is whoever may reach this server, one user.
  std::string credential = {};

  /// Whose tasks and requestStates these are: others get neither.
  std::string principal() const {
    return credential.empty() ? agent_session_id : credential + "/" + agent_session_id;
  }
};

/// RFC 5424's severities, in rising order.
enum class LogLevel { Debug, Info, Notice, Warning, Error, Critical, Alert, Emergency };

/// The extension that gives requests of 2026-07-28 tasks.
inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";

/// What a client may declare that it can do for us.
enum class ClientFeature { Sampling, SamplingTools, ElicitForm, ElicitUrl, Roots, Tasks };

/// Something only the client can provide: an answer of its user, its model, its roots.
struct InputRequest {
  enum class Method { Elicit, Sample, ListRoots };
  std::string key;  ///< under which the answer is found; unique within the request
  Method method = Method::Elicit;
  Json params;  ///< of elicitation/create, sampling/createMessage or roots/list; null: none
};

/// A page that the client's user has to visit.
struct PageToVisit {
  std::string elicitation_id;  ///< of no other page; see Server::elicitationComplete()
  std::string url;             ///< without anything personal, and not signed in already
  std::string message;         ///< why
};

/// A request cannot be answered without the client. The handler runs anew once the answers are
/// there, with `state` as it left it: it keeps nothing in memory in between.
struct InputNeeded {
  std::vector<InputRequest> requests;  ///< may be empty: then the client just comes again
  std::string state;  ///< what the next round needs to know; signed on the wire, never secret
};

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
  /// From which level on log() sends; nothing: the client wants none.
  virtual std::optional<LogLevel> logLevel() const = 0;

  /// Lets the client's connection go while the work goes on: over HTTP a client of 2025-11-25 comes
  /// back for the rest after `retry_ms`. For others a no-op, as after the end.
  virtual void release(std::int64_t retry_ms) = 0;

  /// True once the client has cancelled or gone away: nobody will read the result.
  virtual bool cancelled() const = 0;
  /// `callback` runs at most once, on the I/O thread, when the call is cancelled before its end;
  /// at once if it already is. One callback per call; a second replaces the first.
  virtual void onCancelled(std::function<void()> callback) = 0;

  /// Has the client declared it, for this request or in its handshake?
  virtual bool clientCan(ClientFeature feature) const = 0;

  /// The client's answer to the InputRequest of that key, of this round or one before: an
  /// ElicitResult, CreateMessageResult or ListRootsResult object, not checked any further. nullptr
  /// when there is none.
  virtual const Json* answer(std::string_view key) const = 0;
  /// InputNeeded::state of the round before; empty in the first.
  virtual std::string_view state() const = 0;
  /// Ends this round: the client is asked, and the handler runs anew, with another context object,
  /// when it has answered. Clients of 2026-07-28 get an input_required result with the signed
  /// state; earlier ones get real requests on this request's own stream. Fails the request when the
  /// client has not declared what is asked, as refuseWithout() does, when an older client answers
  /// with an error or not in time, and after `input_rounds_max` rounds.
  virtual void needInput(InputNeeded needed) = 0;
  /// Ends the request: its client shall send it again once its user has visited `pages`, of which
  /// there is at least one. Clients of 2025-11-25 get the error -32042 that names them. Those of
  /// 2026-07-28, and tasks, are asked as by needInput(), each page under its elicitation_id. For
  /// others it is refuseWithout().
  virtual void needPages(const std::vector<PageToVisit>& pages) = 0;
  /// Ends the request with an error that names what the client would have to declare.
  virtual void refuseWithout(const std::vector<ClientFeature>& features) = 0;

  /// Ends the request with a JSON-RPC error, for what is wrong with the request itself. What a tool
  /// cannot do is a result: see ToolCall::finish().
  virtual void refuse(Error error) = 0;
};

}  // namespace tutti::mcp
