// One mounted server: started, kept alive, listed, called.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/base/fd.hpp"
#include "server/mcp/client/client.hpp"
#include "server/mcp/tool.hpp"
#include "server/toolhost/config.hpp"
#include "server/toolhost/passed_on.hpp"

namespace boost::asio {
class io_context;
}
namespace tutti::mcp {
class Server;
}

namespace tutti::toolhost {

class Connection;
class MountedCall;
class Share;
class ToolSink;

/// starting → ready ⇄ waiting (for its next start) ; broken: its entry in the file is wrong.
enum class MountState { Starting, Ready, Waiting, Broken };
std::string_view mountStateName(MountState state);

struct MountHealth {
  std::string name;
  MountSpec::Kind kind = MountSpec::Kind::Stdio;
  MountState state = MountState::Starting;
  std::string problem;  ///< why it is broken or waiting; empty when all is well
  std::string revision;
  std::string server_name;
  std::string server_version;
  int pid = 0;        ///< of its guard; 0: none
  int owner_pid = 0;  ///< of the process of tutti that runs a shared copy; 0: it is not shared
  std::int64_t starts = 0;
  std::int64_t retry_in_ms = 0;
  std::size_t tools = 0;
  std::size_t prompts = 0;
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
  /// Makes the sink of a core that offers a shared copy; needed with share_folder.
  std::function<std::unique_ptr<ToolSink>(mcp::Server&)> sink_of;
  enum class Naming { Prefixed, AsGiven };
  Naming naming = Naming::Prefixed;  ///< what tools and prompts are offered as
  std::function<void()> synced;      ///< the sink is in step with the servers again; may be empty
  std::int64_t start_after_ms = 10;
  std::int64_t restart_first_ms = 250;
  std::int64_t restart_max_ms = 60'000;
  std::int64_t steady_ms = 30'000;     ///< ready for so long: the next restart is the first again
  std::int64_t relist_pause_ms = 500;  ///< between two readings of the list of tools
  std::size_t waiting_max = 64;        ///< calls that wait for the server to be ready
  std::int64_t waiting_max_ms = 30'000;
  std::size_t parked_max = 64;  ///< calls whose callers were asked something
  std::int64_t parked_max_ms = 660'000;
  std::size_t stderr_lines_max = 50;
  std::size_t prompts_max = 256;  ///< of one server; the rest is left out, and said
};

/// Runs on the I/O thread only. Everything that goes wrong with the server ends here: in failed
/// calls, a restart, and what health() says.
class Mount final : public mcp::client::Events, public std::enable_shared_from_this<Mount> {
 public:
  /// `changed` runs when tools() or the state is another.
  static std::shared_ptr<Mount> create(boost::asio::io_context& io, MountSpec spec,
                                       MountOptions options, std::function<void()> changed);
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
  /// Null unless it is ready. Good until the next turn of the loop.
  mcp::client::Client* client() const;
  Error notReady() const;
  /// Calls the server's `tool`; finishes `call` once in any case.
  void call(const std::string& tool, std::shared_ptr<mcp::ToolCall> call);
  MountHealth health() const;

 private:
  friend class MountedCall;
  struct Waiting {
    std::string tool;
    std::shared_ptr<mcp::ToolCall> call;
    std::int64_t until_ms;
  };

  /// Calls whose callers have a question to answer, by the state they come back with.
  struct Parked {
    std::shared_ptr<MountedCall> call;
    std::int64_t until_ms;
  };

  Mount(boost::asio::io_context& io, MountSpec spec, MountOptions options,
        std::function<void()> changed);

  void onReady() override;
  void onLost(const Error& error) override;
  void onListChanged(mcp::client::ListKind kind) override;
  void onAsked(std::shared_ptr<mcp::client::Question> question) override;

  void open();
  bool reachShared(Fd& socket);
  void reopenSoon();
  void fail(const Error& error);
  void list();
  void listed(Result<std::vector<mcp::client::ListEntry>> entries);
  void listPrompts();
  void promptsListed(Result<std::vector<mcp::client::ListEntry>> entries);
  void serveWaiting();
  void failWaiting(const Error& error);
  void expireWaiting();
  void begin(const std::string& tool, std::shared_ptr<mcp::ToolCall> call);
  std::string park(std::shared_ptr<MountedCall> call);
  void resume(const std::string& tool, std::shared_ptr<mcp::ToolCall> call);
  void expireParked();
  const OfferedTool* offered(const std::string& tool) const;
  void settle();
  void wake();
  void arm();
  void noteStderr(std::string line);
  std::string withoutSecrets(std::string text) const;

  boost::asio::io_context& io_;
  const MountSpec spec_;
  const MountOptions options_;
  std::function<void()> changed_;
  std::unique_ptr<Share> share_;            // null: a copy of our own
  std::shared_ptr<Connection> connection_;  // null between two starts
  MountState state_ = MountState::Starting;
  std::string problem_;
  std::vector<OfferedTool> tools_;
  std::vector<OfferedPrompt> prompts_;
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
  bool listing_ = false;
  bool settled_ = false;
  bool stopped_ = false;
  int reopened_ = 0;          // in a row, without a pause
  bool probe_kills_ = false;  // it died of the modern handshake: the legacy one is tried alone
  std::int64_t starts_ = 0;
  std::int64_t calls_ok_ = 0;
  std::int64_t calls_failed_ = 0;
};

}  // namespace tutti::toolhost
