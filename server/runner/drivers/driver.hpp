// What a driver is to its host, and the host to its driver. A driver speaks one agent's protocol;
// the host keeps files, sockets, time limits and the process tree.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/agents/types.hpp"
#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/runner/child_process.hpp"
#include "server/runner/loop.hpp"
#include "server/runner/spec.hpp"

namespace tutti::runner {

/// How a run ended, in the driver's eyes.
struct RunOutcome {
  agents::RunStatus status = agents::RunStatus::Failed;
  bool agent_lives = false;  ///< the session is idle then; otherwise it is over and the host ends
  std::string error;
  std::string error_name;
  std::string error_hint;
  std::string error_details;  ///< JSON text or ""
  std::optional<std::string> result_text;
  std::shared_ptr<const Json> result_data;  ///< null: none (JSON's null is a result too)
  std::shared_ptr<Json> more;               ///< object of further members of outcome.json, or null

  static RunOutcome failed(const Error& error);
};

/// Answer of a person or a rule to a permission request.
struct Approval {
  std::string request_id;
  bool allow = false;
  std::string message;
};

/// What a driver may use of its host.
class DriverHost {
 public:
  virtual ~DriverHost() = default;
  virtual Loop& loop() = 0;
  virtual ChildReaper& reaper() = 0;
  virtual const HostSpec& spec() const = 0;
  /// A file of the session that outlives this host (hosts/<session>/<name>).
  virtual std::filesystem::path sessionFile(std::string_view name) const = 0;
  /// A file of this host (hosts/<session>/<generation>/<name>).
  virtual std::filesystem::path hostFile(std::string_view name) const = 0;
  /// Appends to the spool of the present run; without one it is dropped.
  virtual void event(std::string_view type, const Json& data) = 0;
  /// A process of the agent runs: notes it for whoever must clean up if the host is killed.
  virtual void agentStarted(const ChildProcess& process) = 0;
  /// Once a run. The driver must expect to be destroyed or halted after it.
  virtual void runEnded(RunOutcome outcome) = 0;
  /// The agent is gone while no run was on.
  virtual void agentEnded(ChildExit exit) = 0;
};

/// Drives one session. Lives as long as its host. Calls come from the host's loop.
class Driver {
 public:
  virtual ~Driver() = default;
  /// Begins a run; its end is told by DriverHost::runEnded. Never while another is on.
  virtual void begin(const RunSpec& run) = 0;
  /// The agent's processes are being ended from outside. A result that still comes is passed on.
  virtual void halt() = 0;
  /// Errors: FailedPrecondition "not_supported", Conflict when nothing is on, NotFound.
  virtual Status interrupt();
  virtual Status approve(const Approval& approval);
};

std::unique_ptr<Driver> makeProcessDriver(DriverHost& host);
std::unique_ptr<Driver> makeClaudeDriver(DriverHost& host);

/// By HostSpec.driver. Errors: InvalidArgument "unknown_driver".
Result<std::unique_ptr<Driver>> makeDriver(DriverHost& host);

/// "NAME=value" lines of the spec's environment.
std::vector<std::string> environmentOf(const HostSpec& spec);

}  // namespace tutti::runner
