#include <nlohmann/json.hpp>

#include "server/runner/drivers/permission_desk.hpp"
#include "server/runner/drivers/permission_rules.hpp"

namespace tutti::runner {
namespace {
constexpr std::size_t kOpenRequestsMax = 64;
}

PermissionDesk::PermissionDesk(DriverHost& host, Reply reply)
    : host_(host), reply_(std::move(reply)) {}

void PermissionDesk::ask(ClaudeRequest request, bool attended) {
  const HostSpec& spec = host_.spec();
  const auto rule =
      answerByRules(spec.allowed_tools, spec.disallowed_tools, request.tool_name, request.input);
  if (rule) {
    const std::string reason = "the blueprint's rule " + rule->rule;
    const std::string message = rule->allow ? "" : "denied by " + reason;
    return decide(request, {rule->allow, message}, "rule", reason);
  }
  if (!attended || spec.permission_timeout_ms <= 0 || open_.size() >= kOpenRequestsMax) {
    const std::string reason =
        open_.size() >= kOpenRequestsMax
            ? "more than " + std::to_string(kOpenRequestsMax) + " requests are open"
            : "no rule of the blueprint allows " + request.tool_name + " and nobody is asked";
    return decide(request, {false, reason}, "default", reason);
  }
  Json data = Json::object();
  data["request_id"] = request.request_id;
  data["tool_name"] = request.tool_name;
  data["tool_input"] = request.input;
  data["tool_use_id"] = request.tool_use_id;
  data["timeout_ms"] = spec.permission_timeout_ms;
  const std::string id = request.request_id;
  auto timer = host_.loop().timer();
  timer->after(spec.permission_timeout_ms, [this, id] { expire(id); });
  open_[id] = {std::move(request), std::move(timer)};
  host_.event("permission_request", data);
}

Status PermissionDesk::approve(const Approval& approval) {
  const auto found = open_.find(approval.request_id);
  if (found == open_.end())
    return Error(Code::NotFound, "no permission request '" + approval.request_id + "' is open",
                 "it may have been answered, or denied after its time limit")
        .named("request_not_found");
  const ClaudeRequest request = std::move(found->second.request);
  open_.erase(found);
  const std::string message =
      approval.allow || !approval.message.empty() ? approval.message : "denied by the caller";
  decide(request, {approval.allow, message}, "caller", message);
  return ok();
}

void PermissionDesk::expire(const std::string& request_id) {
  const auto found = open_.find(request_id);
  if (found == open_.end()) return;
  const ClaudeRequest request = std::move(found->second.request);
  open_.erase(found);
  const std::string reason = "no rule of the blueprint allows " + request.tool_name +
                             " and nobody answered within " +
                             std::to_string(host_.spec().permission_timeout_ms) + " ms";
  decide(request, {false, reason}, "timeout", reason);
}

void PermissionDesk::withdraw(const std::string& request_id) {
  const auto found = open_.find(request_id);
  if (found == open_.end()) return;
  Json data = Json::object();
  data["request_id"] = request_id;
  data["tool_name"] = found->second.request.tool_name;
  data["behavior"] = "withdrawn";
  data["by"] = "agent";
  open_.erase(found);
  host_.event("permission_decision", data);
}

void PermissionDesk::decide(const ClaudeRequest& request, const Answer& answer, std::string_view by,
                            const std::string& reason) {
  Json data = Json::object();
  data["request_id"] = request.request_id;
  data["tool_name"] = request.tool_name;
  data["tool_use_id"] = request.tool_use_id;
  data["behavior"] = answer.allow ? "allow" : "deny";
  data["by"] = by;
  data["reason"] = reason;
  host_.event("permission_decision", data);
  reply_(request, answer);
}

}  // namespace tutti::runner
