// A store folder, run-hosts in it as real processes, and a link to talk to them. Everything waits
// for events with a deadline; nothing sleeps.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/runner/control.hpp"
#include "server/runner/host.hpp"
#include "server/runner/spec.hpp"
#include "server/runner/spool.hpp"

namespace tutti::runner {

class HostTest : public testing::Test {
 protected:
  HostTest();
  ~HostTest() override;

  /// A spec for one session of driver "process" that runs `script` with /bin/sh.
  HostSpec shellSpec(const std::string& script);
  /// What such a script does until open() is called.
  std::string untilOpen() const;
  void open() const;
  /// Writes host.json and starts the host. Connects when `connected`.
  void start(const HostSpec& spec);
  int spawn(const HostSpec& spec);
  void connect(const HostSpec& spec);
  /// Writes run.json and sends the turn.
  void turn(const std::string& run_id, Json parameters = Json::object(),
            std::int64_t timeout_ms = 0, std::string prompt = {});
  void writeRun(const RunSpec& run);
  void send(Json command);

  using Matches = std::function<bool(const Json&)>;
  /// The first message so far or to come that matches; fails the test after the deadline.
  Json waitFor(const Matches& matches, const char* what);
  Json waitForAck(const std::string& command);
  /// Waits until outcome.json is announced and returns it.
  Json outcomeOf(const std::string& run_id);
  /// Waits for an event of the run's spool.
  Json waitForEvent(const std::string& run_id, const std::string& type);
  std::vector<agents::Event> events(const std::string& run_id);
  std::vector<std::string> eventTypes(const std::string& run_id);
  /// The data of all events of a type.
  std::vector<Json> eventsOf(const std::string& run_id, const std::string& type);
  /// Waits until the host process has ended; its wait status.
  int waitForExit();
  Json exitJson();

  std::filesystem::path script(const std::string& name, const std::string& text);
  bool pollUntil(const std::function<bool()>& condition);

  std::filesystem::path root_;
  Layout layout_;
  HostSpec spec_;
  boost::asio::io_context io_;
  std::unique_ptr<HostLink> link_;
  std::vector<Json> messages_;
  bool closed_ = false;
  int host_pid_ = -1;
  std::vector<int> pids_;  ///< hosts not yet waited for
};

/// Is a process of that id there, and not a zombie?
bool isAlive(int pid);
/// Processes whose environment has this TUTTI_SESSION_ID.
std::vector<int> markedProcesses(const std::string& session_id);
Json parsed(const std::string& text);
Json fileJson(const std::filesystem::path& path);

}  // namespace tutti::runner
