#include <nlohmann/json.hpp>

#include "server/runner/drivers/driver.hpp"

namespace tutti::runner {

RunOutcome RunOutcome::failed(const Error& error) {
  RunOutcome outcome;
  outcome.status = agents::RunStatus::Failed;
  outcome.error = error.message();
  outcome.error_name = std::string(error.name());
  outcome.error_hint = error.hint();
  outcome.error_details = error.details();
  return outcome;
}

Status Driver::interrupt() {
  return Error(Code::FailedPrecondition, "this agent's driver cannot interrupt a turn",
               "stop the session instead")
      .named("not_supported");
}

Status Driver::approve(const Approval&) {
  return Error(Code::FailedPrecondition, "this agent's driver asks for no permissions")
      .named("not_supported");
}

Result<std::unique_ptr<Driver>> makeDriver(DriverHost& host) {
  const std::string& name = host.spec().driver;
  if (name == "process") return makeProcessDriver(host);
  if (name == "claude") return makeClaudeDriver(host);
  return Error(Code::InvalidArgument, "unknown driver '" + name + "'", "use process or claude")
      .named("unknown_driver");
}

std::vector<std::string> environmentOf(const HostSpec& spec) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : spec.environment) lines.push_back(name + "=" + value);
  return lines;
}

}  // namespace tutti::runner
