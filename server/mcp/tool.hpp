// What a tool is to the protocol layer: a description that is served, and a handler that is called.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>  // ToolOutput holds a value
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::mcp {

/// Hints of MCP's ToolAnnotations. They must be true: clients decide on them whether to ask a
/// person.
struct ToolAnnotations {
  bool read_only = false;
  bool destructive = false;
  bool idempotent = false;
  bool open_world = false;
};

/// One entry of tools/list. The schemas are JSON texts and are served byte for byte.
struct Tool {
  std::string name;  ///< 1 to 128 of [A-Za-z0-9_.-]
  std::string title;
  std::string description;
  std::string input_schema;   ///< root type object
  std::string output_schema;  ///< may be empty; then no structured content is promised
  ToolAnnotations annotations;
};

/// What a finished call gives back. `structured` must match the tool's output schema; the text
/// rendering is made from it when `text` is empty.
struct ToolOutput {
  Json structured;
  std::string text;
};

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

/// One tools/call under way. Lives on the I/O thread only; the handler may keep the shared_ptr
/// until it has called finish(). Arguments have passed the input schema.
class ToolCall {
 public:
  virtual ~ToolCall() = default;
  virtual const Json& arguments() const = 0;
  virtual const Caller& caller() const = 0;

  /// Did the client send a progress token? progress() is a no-op otherwise.
  virtual bool wantsProgress() const = 0;
  /// Strictly increasing values only; a smaller or equal one is dropped, as is one after finish().
  virtual void progress(double value, std::optional<double> total, std::string_view message) = 0;

  /// Sends `data` to the client as notifications/message, if it asked for this level; else a no-op,
  /// as after finish(). Never a secret.
  virtual void log(LogLevel /*level*/, std::string_view /*logger*/, const Json& /*data*/) {}

  /// True once the client has cancelled or gone away: nobody will read the result.
  virtual bool cancelled() const = 0;
  /// `callback` runs at most once, on the I/O thread, when the call is cancelled before finish();
  /// at once if it already is. One callback per call; a second replaces the first.
  virtual void onCancelled(std::function<void()> callback) = 0;

  /// Ends the call, exactly once; later ones are ignored. An Error becomes a result with isError,
  /// its structured content {error:{code,name,message,hint,details}} and a text for the model.
  virtual void finish(Result<ToolOutput> result) = 0;
};

using ToolHandler = std::function<void(std::shared_ptr<ToolCall>)>;

}  // namespace tutti::mcp
