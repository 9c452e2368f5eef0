// All mounted servers, and what they offer under tutti's own roof.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/mcp/completion.hpp"
#include "server/mcp/prompt.hpp"
#include "server/mcp/resource.hpp"
#include "server/mcp/tool.hpp"
#include "server/toolhost/mount.hpp"

namespace tutti::toolhost {

/// Where mounted tools are offered: an MCP server that is told of tools that come and go.
class ToolSink {
 public:
  virtual ~ToolSink() = default;
  virtual Status add(mcp::Tool tool, mcp::ToolHandler handler) = 0;
  virtual void remove(std::string_view name) = 0;
  /// Once after any number of the two.
  virtual void changed() = 0;
  virtual Status addPrompt(mcp::Prompt prompt, mcp::PromptHandler handler,
                           mcp::CompletionHandler complete) = 0;
  virtual void removePrompt(std::string_view name) = 0;
  /// Once after any number of the two.
  virtual void promptsChanged() = 0;
  virtual Status addResource(mcp::Resource resource, mcp::ReadHandler handler) = 0;
  virtual Status addTemplate(mcp::ResourceTemplate resource, mcp::ReadHandler handler,
                             mcp::CompletionHandler complete) = 0;
  virtual void removeResource(std::string_view uri) = 0;
  virtual void removeTemplate(std::string_view uri_template) = 0;
  /// Once after any number of the four.
  virtual void resourcesChanged() = 0;
  virtual void resourceUpdated(std::string_view uri) = 0;
  /// What clients watch, and `callback` when that may be something else.
  virtual std::vector<std::string> watchedUris() = 0;
  virtual void onWatched(std::function<void()> callback) = 0;
  /// To all clients, of which each may take it or not.
  virtual void log(mcp::LogLevel level, std::string_view logger, const Json& data) = 0;
  /// A user has been to the page of that id, to which a server had sent it.
  virtual void elicitationComplete(const std::string& elicitation_id) = 0;
};

/// Starts every server and keeps the sink's list in step: servers in the order of the file, their
/// tools in their own order, whichever is ready first. Runs on the I/O thread only. The sink must
/// outlive it.
class ToolHost {
 public:
  ToolHost(boost::asio::io_context& io, std::vector<MountSpec> specs, MountOptions options,
           ToolSink& sink);
  ~ToolHost();
  ToolHost(const ToolHost&) = delete;
  ToolHost& operator=(const ToolHost&) = delete;

  /// Starts the servers after MountOptions::start_after_ms, one in each turn of the loop, so that
  /// tutti's own first answers do not wait for them.
  void start();
  /// `then` runs once every server has its tools offered or has failed, or after `max_ms`.
  void whenSettled(std::function<void()> then, std::int64_t max_ms);
  std::vector<MountHealth> health() const;

 private:
  struct Offered {
    std::string name;
    std::string description;  // what it was offered with
    const Mount* mount;
    bool added;
  };
  struct Wish;
  class InStep;

  void startFrom(std::size_t index);
  void changed();
  void sync();
  void syncPrompts();
  void syncResources();
  bool addResource(const OfferedResource& offered, const std::shared_ptr<Mount>& mount);
  bool addTemplate(const OfferedTemplate& offered, const std::shared_ptr<Mount>& mount);
  void watchedChanged();
  void syncWatched();
  bool addPrompt(const std::string& name, const OfferedPrompt& offered,
                 const std::shared_ptr<Mount>& mount);
  std::vector<Wish> wishes() const;
  std::string offeredName(const std::string& server, const std::string& name,
                          std::set<std::string>& taken) const;
  void tellSettled();

  boost::asio::io_context& io_;
  ToolSink& sink_;
  std::vector<std::shared_ptr<Mount>> mounts_;
  std::vector<Offered> offered_;
  std::vector<Offered> offered_prompts_;
  std::vector<Offered> offered_resources_;
  std::vector<Offered> offered_templates_;
  std::function<void()> settled_;
  struct Timer;
  std::unique_ptr<Timer> start_timer_;
  std::unique_ptr<Timer> settle_timer_;
  const std::int64_t start_after_ms_;
  const MountOptions::Naming naming_;
  const std::function<void()> synced_;
  bool sync_due_ = false;
  bool watch_sync_due_ = false;
  const std::shared_ptr<char> alive_ = std::make_shared<char>('\0');
};

}  // namespace tutti::toolhost
