// The parts of a running tutti, in the order in which they depend on each other.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "server/agents/blueprint.hpp"
#include "server/cli/settings.hpp"
#include "server/mcp/server.hpp"
#include "server/runner/supervisor.hpp"
#include "server/runner/waiter.hpp"
#include "server/store/notifier.hpp"
#include "server/store/store.hpp"
#include "server/tasks/durable_store.hpp"
#include "server/toolhost/tool_host.hpp"
#include "tools/context.hpp"
#include "tools/resources.hpp"
#include "tools/skills.hpp"

namespace tutti::documents {
class DocumentService;
}
namespace tutti::search {
class DocumentSearch;
}
namespace tutti::routing {
class Router;
}
namespace tutti::tools {
class RouteFollower;
}

namespace tutti::cli {

/// Store, runner, tools and protocol core, wired. Transports are added by the command that wants
/// them. Members are destroyed in reverse, so each outlives what uses it.
class Application {
 public:
  /// Errors: those of dataFolder(), Store::open(), Supervisor::start(), addTools().
  static Result<std::unique_ptr<Application>> open(const Settings& settings);
  ~Application();

  boost::asio::io_context& io() { return io_; }
  mcp::Server& server() { return *server_; }
  store::Store& store() { return *store_; }
  documents::DocumentService& documents() { return *documents_; }
  search::DocumentSearch& search() { return *search_; }
  /// For commands that stay: what is pushed, by whichever process, is indexed in the background.
  void indexDocuments();
  /// For commands that stay: what routing goes by is learnt before the first request, where that
  /// takes an embeddings server and routing is offered.
  void learnToRoute();
  /// What the tools put before documents' paths: where this process serves them.
  void documentsAt(std::string url) { context_->documents_url = std::move(url); }
  /// Null when nothing is mounted.
  toolhost::ToolHost* toolHost() { return tool_host_.get(); }

  /// Runs the loop on this thread until leave() has done its work.
  void run();
  /// Begins to end: what this process has promised is carried out first (bounded), then run()
  /// returns. Idempotent.
  void leave();
  /// `handler` runs on the first SIGTERM or SIGINT, and is told which; a second one ends the loop
  /// at once.
  void onSignal(std::function<void(int)> handler);

 private:
  Application();
  Status wire(const Settings& settings);
  Status openStore(const Settings& settings);
  Status startRunner(const Settings& settings);
  void keepTasks(const Settings& settings, const std::shared_ptr<mcp::Timers>& timers);
  void adoptTasks(mcp::Timers& timers);
  Status offer(const Settings& settings);
  Status keepDocuments(const Settings& settings, const std::shared_ptr<mcp::Timers>& timers);
  void sweepDocuments(mcp::Timers& timers, std::int64_t delay_ms);
  Status startRouter(const Settings& settings, const std::shared_ptr<mcp::Timers>& timers);
  Status mount(const Settings& settings);

  boost::asio::io_context io_{1};
  std::unique_ptr<tools::Context> context_;  // outlives the store's threads: they post by it
  std::unique_ptr<store::Store> store_;
  store::FolderWatch folders_{io_};
  std::unique_ptr<store::Notifier> notifier_;
  std::unique_ptr<agents::BlueprintCatalog> catalog_;
  std::unique_ptr<runner::Supervisor> supervisor_;
  std::unique_ptr<runner::Waiter> waiter_;
  std::unique_ptr<routing::Router> router_;
  std::unique_ptr<tools::RouteFollower> route_follower_;
  store::Notifier::Watch route_watch_;
  std::unique_ptr<documents::DocumentService> documents_;
  std::unique_ptr<search::DocumentSearch> search_;
  store::Notifier::Watch index_watch_;
  std::shared_ptr<void> sweep_;  ///< a timer
  std::shared_ptr<tasks::DurableTaskStore> tasks_;
  std::shared_ptr<void> adoption_;  ///< a timer
  std::unique_ptr<mcp::Server> server_;
  std::unique_ptr<tools::ResourceWatch> resource_watch_;
  std::unique_ptr<tools::BlueprintSkills> blueprint_skills_;
  std::unique_ptr<toolhost::ToolSink> tool_sink_;
  std::unique_ptr<toolhost::ToolHost> tool_host_;
  struct Signals;
  std::shared_ptr<Signals> signals_;
  bool routes_ = false;  ///< are routing's tools offered?
  bool leaving_ = false;
};

}  // namespace tutti::cli
