// All mounted servers, and their tools under tutti's own roof.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/mcp/completion.hpp"
#include "server/mcp/prompt.hpp"
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

  void startFrom(std::size_t index);
  void changed();
  void sync();
  void syncPrompts();
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
  std::function<void()> settled_;
  struct Timer;
  std::unique_ptr<Timer> start_timer_;
  std::unique_ptr<Timer> settle_timer_;
  const std::int64_t start_after_ms_;
  const MountOptions::Naming naming_;
  const std::function<void()> synced_;
  bool sync_due_ = false;
  const std::shared_ptr<char> alive_ = std::make_shared<char>('\0');
};

}  // namespace tutti::toolhost
