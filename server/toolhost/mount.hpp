// One mounted server: started, kept alive, listed, called.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/base/fd.hpp"
#include "server/mcp/client/client.hpp"
#include "server/toolhost/config.hpp"
#include "server/toolhost/mounted_call.hpp"
#include "server/toolhost/passed_on.hpp"

namespace boost::asio {
class io_context;
}
namespace tutti::mcp {
class Server;
}

namespace tutti::toolhost {

class Connection;
class Share;

/// starting → ready ⇄ waiting (for its next start) ; broken: its entry in the file is wrong.
enum class MountState { Starting, Ready, Waiting, Broken };
std::string_view mountStateName(MountState state);

struct MountHealth {
  std::string name;
  MountSpec::Kind kind = MountSpec::Kind::Stdio;
  MountState state = MountState::Starting;
  std::string problem;  ///< why it is broken or waiting; empty when all is well
  std::string note;     ///< why it is not shared although it could be; empty mostly
  std::string revision;
  std::string server_name;
  std::string server_version;
  int pid = 0;        ///< of its guard; 0: none
  int owner_pid = 0;  ///< of the process of tutti that runs a shared copy; 0: it is not shared
  std::set<std::string> capabilities;  ///< their names, as the server declares them
  std::int64_t starts = 0;
  std::int64_t retry_in_ms = 0;
  std::size_t tools = 0;
  std::size_t prompts = 0;
  std::size_t resources = 0;
  std::size_t templates = 0;
  std::vector<std::string> left_out;  ///< what could not be offered, and why
  std::size_t in_flight = 0;
  std::int64_t calls_ok = 0;
  std::int64_t calls_failed = 0;
  std::vector<std::string> stderr_lines;  ///< the last ones, without secrets
};

struct MountOptions {
  std::string program;         ///< tutti itself, which is also the guard
  std::string client_version;  ///< what it calls itself towards the server
  /// Where processes of tutti that share running copies find each other; empty: each has its own.
  std::filesystem::path share_folder;
  /// A process that runs a shared copy and says nothing for so long to one that has just connected
  /// is not waited for: that one runs a copy of its own then.
  std::int64_t owner_silent_max_ms = 5'000;
  enum class Naming { Prefixed, AsGiven };
  Naming naming = Naming::Prefixed;  ///< of what is offered: tools, URIs, loggers
  std::function<void()> synced;      ///< the sink is in step with the servers again; may be empty
  std::int64_t start_after_ms = 10;
  std::int64_t restart_first_ms = 250;
  std::int64_t restart_max_ms = 60'000;
  std::int64_t steady_ms = 30'000;     ///< ready for so long: the next restart is the first again
  std::int64_t relist_pause_ms = 500;  ///< between two readings of the list of tools
  std::size_t waiting_max = 64;        ///< requests that wait for the server to be ready
  std::int64_t waiting_max_ms = 30'000;
  std::size_t parked_max = 64;  ///< calls whose callers were asked something
  std::int64_t parked_max_ms = 660'000;
  std::size_t stderr_lines_max = 50;
  std::size_t left_out_max = 20;
  std::size_t watched_max = 4096;       ///< resources of one server that are watched at a time
  std::int64_t updates_pause_ms = 100;  ///< between two rounds of telling which have changed
  std::size_t logs_max = 100;           ///< log records of one server in logs_window_ms; the rest
  std::int64_t logs_window_ms = 1'000;  ///< is dropped, and counted
  std::size_t log_bytes_max = 16U * 1024;  ///< of one record; the rest is cut
};

/// Runs on the I/O thread only. Everything that goes wrong with the server ends here: in failed
/// calls, a restart, and what health() says.
class Mount final : public mcp::client::Events, public std::enable_shared_from_this<Mount> {
 public:
  /// What a mount tells.
  struct Told {
    std::function<void()> changed;  ///< a list or the state is another
    /// A watched resource is another; the URI is the one it has here.
    std::function<void(const std::string& uri)> updated;
    /// A log record that no request has caused, for all clients.
    std::function<void(mcp::LogLevel level, const std::string& logger, const Json& data)> logged;
    /// A user is done with a page that the server has sent it to.
    std::function<void(const std::string& elicitation_id)> elicitation_complete;
  };
  static std::shared_ptr<Mount> create(boost::asio::io_context& io, MountSpec spec,
                                       MountOptions options, Told told);
  ~Mount() override;

  void start();
  /// Ends the server and every call. The last thing asked of it.
  void stop();

  const MountSpec& spec() const { return spec_; }
  /// Has the first start been decided: tools listed, or failed?
  bool settled() const { return settled_; }
  /// As last listed, filtered and in the server's order. They stay while it is restarted.
  const std::vector<OfferedTool>& tools() const { return tools_; }
  const std::vector<OfferedPrompt>& prompts() const { return prompts_; }
  const std::vector<OfferedResource>& resources() const { return resources_; }
  const std::vector<OfferedTemplate>& templates() const { return templates_; }
  const OfferedTool* offered(const std::string& tool) const;
  /// Does the server have resources at all, listed or not? Then what it names can be read.
  bool hasResources() const { return capabilities_.contains("resources"); }
  /// What URIs of the server get in front of them here.
  std::string uriPrefix() const;
  /// The same, for URIs in its results; empty when it has no resources.
  std::string resultPrefix() const;
  /// Which resources clients watch: the server's own URIs, all of them.
  void watch(std::set<std::string> uris);
  /// Null unless it is ready. Good until the next turn of the loop.
  mcp::client::Client* client() const;
  Error notReady() const;
  /// Is its server run by one process for all? Then that one has the last word on errors.
  bool shared() const { return share_ != nullptr; }
  /// What the server, or the way to it, has failed with, as callers get it.
  Error forCaller(const Error& error) const;
  /// Passes the request on to the server; finishes it once in any case.
  void pass(Passing passing);
  MountHealth health() const;

 private:
  friend class MountedCall;
  struct Waiting {
    Passing passing;
    std::int64_t until_ms;
  };
  using Entries = Result<std::vector<mcp::client::ListEntry>>;

  /// Calls whose callers have a question to answer, by the state they come back with.
  struct Parked {
    std::shared_ptr<MountedCall> call;
    std::int64_t until_ms;
  };

  Mount(boost::asio::io_context& io, MountSpec spec, MountOptions options, Told told);

  void onReady() override;
  void onLost(const Error& error) override;
  void onListChanged(mcp::client::ListKind kind) override;
  void onAsked(std::shared_ptr<mcp::client::Question> question) override;
  void onResourceUpdated(const std::string& uri) override;
  void onLog(const mcp::client::LogRecord& record) override;
  void onElicitationComplete(const std::string& elicitation_id) override;

  void open();
  bool reachShared(Fd& socket);
  bool reachAgain(const Error& error);
  void checkOwner();
  void goAlone(const Error& error);
  void reopenSoon();
  void fail(const Error& error);
  void list();
  void noteCapabilities();
  void listNext(mcp::client::ListKind kind, void (Mount::*then)(Entries entries));
  bool takesList(const char* what, const Entries& entries);
  void toolsListed(Entries entries);
  void promptsListed(Entries entries);
  void resourcesListed(Entries entries);
  void templatesListed(Entries entries);
  void leaveOut(std::string what);
  void tellUpdated();
  void wantLogs(const mcp::RequestContext& caller);
  void serveWaiting();
  void failWaiting(const Error& error);
  void expireWaiting();
  void begin(Passing passing);
  std::string park(std::shared_ptr<MountedCall> call);
  void resume(Passing passing);
  void refuse(const Passing& passing, const Error& error);
  void expireParked();
  void settle();
  void wake();
  void arm();
  void noteStderr(std::string line);
  std::string withoutSecrets(std::string text) const;
  Json withoutSecrets(const Json& value) const;

  boost::asio::io_context& io_;
  const MountSpec spec_;
  const MountOptions options_;
  Told told_;
  std::unique_ptr<Share> share_;            // null: a copy of our own
  std::shared_ptr<Connection> connection_;  // null between two starts
  MountState state_ = MountState::Starting;
  std::string problem_;
  std::string note_;
  std::vector<OfferedTool> tools_;
  std::vector<OfferedPrompt> prompts_;
  std::vector<OfferedResource> resources_;
  std::vector<OfferedTemplate> templates_;
  std::set<std::string> capabilities_;      // what it declares, as of the last listing
  std::set<std::string> watched_;           // the server's own URIs
  bool watched_cut_ = false;                // there are more than watched_max of them
  std::set<std::string> updated_;           // those of them to be told next
  std::optional<mcp::LogLevel> log_level_;  // what the server was asked for
  std::int64_t logs_since_ms_ = 0;
  std::size_t logs_ = 0;  // in this window
  std::size_t logs_dropped_ = 0;
  std::vector<std::string> left_out_;
  std::deque<Waiting> waiting_;
  std::map<mcp::client::Ticket, std::weak_ptr<MountedCall>> calls_;
  std::map<std::string, Parked> parked_;
  std::deque<std::string> stderr_lines_;
  struct Timer;
  std::unique_ptr<Timer> timer_;
  std::int64_t restart_at_ms_ = 0;  // 0: none is due
  std::int64_t restart_pause_ms_ = 0;
  std::int64_t ready_since_ms_ = 0;
  std::int64_t relist_at_ms_ = 0;  // 0: none is due
  std::int64_t listed_at_ms_ = 0;
  std::int64_t tell_updated_at_ms_ = 0;    // 0: nothing is to be told
  std::int64_t tell_updated_from_ms_ = 0;  // a pause after it was told last
  bool listing_ = false;
  bool settled_ = false;
  bool stopped_ = false;
  int reopened_ = 0;  // in a row, without a pause
  bool checking_owner_ = false;
  bool probe_kills_ = false;  // it died of the modern handshake: the legacy one is tried alone
  std::int64_t starts_ = 0;
  std::int64_t calls_ok_ = 0;
  std::int64_t calls_failed_ = 0;
};

}  // namespace tutti::toolhost
