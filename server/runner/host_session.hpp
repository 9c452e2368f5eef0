// The life of one run-host after it has its lock: commands in, runs one after the other, one end.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "server/runner/child_process.hpp"
#include "server/runner/control_server.hpp"
#include "server/runner/drivers/driver.hpp"
#include "server/runner/durable_writer.hpp"
#include "server/runner/process_tree.hpp"
#include "server/runner/spool_writer.hpp"

namespace tutti::runner {

/// One session's host: serves the socket, lets the driver run turns, keeps their limits, and takes
/// the agent's process tree down at the end. The current folder must be the host's.
class HostSession final : public DriverHost {
 public:
  HostSession(Layout layout, HostSpec spec);
  ~HostSession() override;

  /// Runs until the session is over and all is written. The exit status.
  int run();

  Loop& loop() override { return loop_; }
  ChildReaper& reaper() override { return reaper_; }
  const HostSpec& spec() const override { return spec_; }
  std::filesystem::path sessionFile(std::string_view name) const override;
  std::filesystem::path hostFile(std::string_view name) const override;
  void event(std::string_view type, const Json& data) override;
  void agentStarted(const ChildProcess& process) override;
  void runEnded(RunOutcome outcome) override;
  void agentEnded(ChildExit exit) override;

 private:
  struct ActiveRun {
    RunSpec spec;
    std::filesystem::path folder;
    std::optional<SpoolWriter> spool;
    bool writing = false;  ///< its outcome is on the way to the disk
  };
  /// Why the host ends, and what the run that is on (if any) comes to by it.
  struct Ending {
    agents::SessionStatus session_status;
    std::string reason;
    std::optional<RunOutcome> outcome;
    Json particulars;  ///< of exit.json, an object
  };

  // Signals and commands.
  void watchSignals();
  void takeSignals();
  Json hello() const;
  Json obey(const Json& command);
  Status obeyTurn(const std::string& run_id);
  Status obeyStop(const Json& command);
  Status obeyApprove(const Json& command);

  // Runs.
  void beginRun(RunSpec run);
  void announceSpool();
  void finishRun(RunOutcome outcome, agents::SessionStatus session_status, const Json& report);
  Json outcomeJson(const RunOutcome& outcome, agents::SessionStatus session_status) const;
  void waitForTurn();

  // The end.
  void stop(std::int64_t grace_ms);
  void diskFailed(const Error& error);
  void takeDown(Ending ending, std::int64_t grace_ms);
  void treeGone(const StopReport& report);
  void writeExit(const Json& report);
  void writeState(const ChildProcess* agent);

  const Layout layout_;
  const HostSpec spec_;
  Loop loop_;
  ChildReaper reaper_;
  TreeStop tree_;
  DurableWriter writer_;
  ControlServer control_;
  Fd signals_;
  std::unique_ptr<Loop::Watch> signals_watch_;
  std::unique_ptr<Loop::Timer> run_timer_;
  std::unique_ptr<Loop::Timer> idle_timer_;
  std::unique_ptr<Loop::Timer> quiet_timer_;  ///< until memory is given back
  std::unique_ptr<Driver> driver_;
  std::optional<ActiveRun> run_;
  std::optional<Ending> ending_;
  std::optional<RunOutcome> late_;  ///< a result that came while the tree was being taken down
  std::set<std::string> ended_runs_;
  bool spool_announced_ = false;
};

}  // namespace tutti::runner
