// tools/call: from the request to the handler and back.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/log_level.hpp"
#include "server/mcp/methods.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {
namespace {

/// 3, not 3.0, for whole numbers.
std::string numberText(double value) {
  constexpr double kExactMax = 9007199254740992.0;
  if (std::floor(value) == value && std::abs(value) < kExactMax)
    return std::to_string(static_cast<std::int64_t>(value));
  return json::dump(Json(value));
}

/// A call under way. The peer knows it weakly, the handler keeps it alive.
class Call final : public ToolCall, public Pending {
 public:
  Call(Server::Impl& server, const RegisteredTool& tool, Request&& request, Json&& arguments)
      : alive_(server.alive),
        server_(server),
        tool_(tool),
        request_(std::move(request)),
        arguments_(std::move(arguments)) {}

  ~Call() override {
    if (!ended_) {
      log::error("a tool let go of its call without finishing it",
                 {{"tool", json::stringOr(request_.params, "name", "")}});
      fail();
    }
    if (request_.peer) request_.peer->release();
    json::discard(std::move(arguments_));
    json::discard(std::move(request_.params));
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// The peer learns of the call; `self` owns it.
  void enter(const std::shared_ptr<Pending>& self) const {
    if (request_.peer) request_.peer->add(request_.id, self);
  }

  const Json& arguments() const override { return arguments_; }
  const Caller& caller() const override { return request_.context.caller; }
  bool wantsProgress() const override { return !request_.context.progress_token.empty(); }
  bool cancelled() const override { return cancelled_; }

  void progress(double value, std::optional<double> total, std::string_view message) override {
    if (ended_ || !wantsProgress() || !std::isfinite(value) || value <= progress_) return;
    progress_ = value;
    std::string params = "{\"progressToken\":" + request_.context.progress_token;
    params += ",\"progress\":" + numberText(value);
    if (total && std::isfinite(*total)) params += ",\"total\":" + numberText(*total);
    if (!message.empty() && hasProgressMessage(request_.context.revision)) {
      params += ",\"message\":";
      appendJsonString(params, message);
    }
    params += '}';
    request_.exchange->notify(rpc::notificationFrame("notifications/progress", params));
  }

  void log(LogLevel level, std::string_view logger, const Json& data) override {
    const auto threshold = logThreshold();
    if (ended_ || !threshold || level < *threshold) return;
    std::string params = "{\"level\":";
    appendJsonString(params, logLevelName(level));
    if (!logger.empty()) {
      params += ",\"logger\":";
      appendJsonString(params, logger);
    }
    params.append(",\"data\":").append(json::dump(data)).push_back('}');
    request_.exchange->notify(rpc::notificationFrame("notifications/message", params));
  }

  void onCancelled(std::function<void()> callback) override {
    if (cancelled_) return callback();
    if (!ended_) cancel_callback_ = std::move(callback);
  }

  void cancel() override {
    if (ended_) return;
    cancelled_ = true;
    end();
    request_.exchange->abandon();
    if (const auto callback = std::exchange(cancel_callback_, nullptr)) callback();
  }

  void fail() override {
    if (ended_) return;
    end();
    request_.error(internalError());
  }

  void finish(Result<ToolOutput> result) override {
    if (ended_) return;
    if (alive_.expired()) return end();  // the server is gone, and its transports with it
    constexpr std::size_t kUsualBytes = 512;
    std::string frame;
    frame.reserve(kUsualBytes);
    frame.append("{\"jsonrpc\":\"2.0\",\"id\":").append(request_.id).append(",\"result\":");
    appendResult(frame, result);
    frame += '}';
    if (result.ok()) json::discard(std::move(result->structured));
    cancel_callback_ = nullptr;
    const auto exchange = request_.exchange;
    exchange->reply(std::move(frame), 200);
    end();
  }

 private:
  std::optional<LogLevel> logThreshold() const {
    if (request_.context.envelope) return request_.context.envelope->log_level;
    return request_.peer->log_level;
  }

  void appendResult(std::string& to, const Result<ToolOutput>& result) const {
    const Revision revision = request_.context.revision;
    if (!result.ok()) return appendToolFailure(to, tool_, result.error(), revision, server_.tail);
    if (tool_.output) {
      const auto misses = tool_.output->validate(result->structured);
      if (!misses.empty()) return appendBadOutput(to, misses);
    }
    appendToolSuccess(to, tool_, *result, revision, server_.tail);
  }

  void appendBadOutput(std::string& to, const std::vector<json::SchemaError>& misses) const {
    const std::string& name = tool_.tool.name;
    log::error("a tool's result misses its output schema",
               {{"tool", name}, {"at", misses.front().instance_path}});
    Error error(Code::Internal, "the result of '" + name + "' misses its output schema",
                "this is a bug in the tool; report it");
    appendToolFailure(
        to, tool_, std::move(error).named("invalid_output").withDetails(json::errorsJson(misses)),
        request_.context.revision, server_.tail);
  }

  /// No answer is owed any more. The peer may start its shutdown in here.
  void end() {
    ended_ = true;
    if (request_.peer) request_.peer->remove(request_.id);
  }

  const std::weak_ptr<const char> alive_;
  Server::Impl& server_;
  const RegisteredTool& tool_;
  Request request_;
  Json arguments_;
  std::function<void()> cancel_callback_;
  double progress_ = -std::numeric_limits<double>::infinity();
  bool ended_ = false;
  bool cancelled_ = false;
};

WireError unknownTool(const Server::Impl& server, const std::string& name) {
  const auto nearest = server.tools.nearest(name);
  std::string message = "unknown tool '" + shortened(name, 128) + "'";
  if (nearest.empty()) return invalidParams(message, "unknown_tool", "list the tools first");
  const std::string hint = "did you mean " + joined(nearest) + "?";
  return invalidParams(message + "; " + hint, "unknown_tool", hint);
}

/// Takes the arguments out of the params; absent is the same as {}.
std::optional<Json> takeArguments(Json& params) {
  const auto found = params.find("arguments");
  if (found == params.end() || found->is_null()) return Json::object();
  if (!found->is_object()) return std::nullopt;
  return std::move(*found);
}

}  // namespace

void callTool(Server::Impl& server, Request& request, std::shared_ptr<Pending>& pending) {
  const Json* name = request.params.is_object() ? json::find(request.params, "name") : nullptr;
  if (name == nullptr || !name->is_string())
    return request.error(invalidParams("'name' must be a string: the tool to call"));
  const RegisteredTool* tool = server.tools.find(name->get_ref<const std::string&>());
  if (tool == nullptr)
    return request.error(unknownTool(server, name->get_ref<const std::string&>()));
  auto arguments = takeArguments(request.params);
  if (!arguments) return request.error(invalidParams("'arguments' must be an object"));

  const auto misses = tool->input.validate(*arguments);
  if (!misses.empty()) {
    std::string body;
    appendToolFailure(body, *tool, invalidArguments(tool->tool.name, misses),
                      request.context.revision, server.tail);
    return request.result(body);
  }

  auto call = std::make_shared<Call>(server, *tool, std::move(request), std::move(*arguments));
  call->enter(call);
  pending = call;
  tool->handler(std::move(call));
}

}  // namespace tutti::mcp
