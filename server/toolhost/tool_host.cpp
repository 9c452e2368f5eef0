#include "server/toolhost/tool_host.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "server/base/log.hpp"
#include "server/toolhost/mounted_requests.hpp"
#include "server/toolhost/naming.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::toolhost {

struct ToolHost::Timer {
  Timer(boost::asio::io_context& io, std::function<void()> callback)
      : wakeup(io, std::move(callback)) {}
  transport::Wakeup wakeup;
};

/// A tool as it should be offered.
struct ToolHost::Wish {
  std::string name;
  const OfferedTool* tool;
  std::shared_ptr<Mount> mount;
};

ToolHost::ToolHost(boost::asio::io_context& io, std::vector<MountSpec> specs, MountOptions options,
                   ToolSink& sink)
    : io_(io),
      sink_(sink),
      start_after_ms_(options.start_after_ms),
      naming_(options.naming),
      synced_(options.synced) {
  for (MountSpec& spec : specs) {
    Mount::Told told;
    told.changed = [this] { changed(); };
    told.updated = [this](const std::string& uri) {
      sink_.resourceUpdated(uri);
      watchedChanged();  // the client may be gone
    };
    told.logged = [this](mcp::LogLevel level, const std::string& logger, const Json& data) {
      sink_.log(level, logger, data);
    };
    told.elicitation_complete = [this](const std::string& id) { sink_.elicitationComplete(id); };
    mounts_.push_back(Mount::create(io, std::move(spec), options, std::move(told)));
  }
  sink_.onWatched([this] { watchedChanged(); });
}

ToolHost::~ToolHost() {
  sink_.onWatched({});
  for (const auto& mount : mounts_) mount->stop();
}

void ToolHost::start() {
  start_timer_ = std::make_unique<Timer>(io_, [this] { startFrom(0); });
  start_timer_->wakeup.at(transport::steadyMs() + start_after_ms_);
}

void ToolHost::startFrom(std::size_t index) {
  if (index >= mounts_.size()) return;
  mounts_[index]->start();
  boost::asio::post(io_, [this, index, alive = std::weak_ptr<char>(alive_)] {
    if (!alive.expired()) startFrom(index + 1);
  });
}

void ToolHost::changed() {
  if (std::exchange(sync_due_, true)) return;
  boost::asio::post(io_, [this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    sync_due_ = false;
    sync();
  });
}

std::string ToolHost::offeredName(const std::string& server, const std::string& name,
                                  std::set<std::string>& taken) const {
  return naming_ == MountOptions::Naming::AsGiven ? name : mountedName(server, name, taken);
}

std::vector<ToolHost::Wish> ToolHost::wishes() const {
  std::vector<Wish> all;
  std::set<std::string> taken;
  for (const auto& mount : mounts_)
    for (const OfferedTool& tool : mount->tools())
      all.push_back({offeredName(mount->spec().name, mount->spec().tools.nameOf(tool.name), taken),
                     &tool, mount});
  return all;
}

/// The sink knows one order only, that of adding: from the first difference on, all are taken back
/// and offered anew.
void ToolHost::sync() {
  const std::vector<Wish> wanted = wishes();
  std::size_t same = 0;
  while (same < wanted.size() && same < offered_.size() &&
         wanted[same].name == offered_[same].name &&
         wanted[same].mount.get() == offered_[same].mount &&
         wanted[same].tool->description == offered_[same].description)
    ++same;
  const bool removed = offered_.size() > same;
  while (offered_.size() > same) {
    if (offered_.back().added) sink_.remove(offered_.back().name);
    offered_.pop_back();
  }
  for (std::size_t i = same; i < wanted.size(); ++i) {
    const Wish& wish = wanted[i];
    mcp::Tool tool = wish.tool->tool;
    tool.name = wish.name;
    const Status added = sink_.add(
        std::move(tool),
        [mount = wish.mount, original = wish.tool->name](std::shared_ptr<mcp::ToolCall> call) {
          callTool(mount, original, std::move(call));
        });
    if (!added.ok())
      log::warning("a mounted tool cannot be offered",
                   {{"tool", wish.name}, {"why", added.error().text()}});
    offered_.push_back({wish.name, wish.tool->description, wish.mount.get(), added.ok()});
  }
  if (removed || same < wanted.size()) sink_.changed();
  syncPrompts();
  syncResources();
  if (synced_) synced_();
  const auto settled = [](const auto& mount) { return mount->settled(); };
  if (std::all_of(mounts_.begin(), mounts_.end(), settled)) tellSettled();
}

void ToolHost::tellSettled() {
  if (const auto then = std::exchange(settled_, nullptr)) then();
}

void ToolHost::whenSettled(std::function<void()> then, std::int64_t max_ms) {
  settled_ = std::move(then);
  settle_timer_ = std::make_unique<Timer>(io_, [this] { tellSettled(); });
  settle_timer_->wakeup.at(transport::steadyMs() + max_ms);
  changed();
}

std::vector<MountHealth> ToolHost::health() const {
  std::vector<MountHealth> all;
  for (const auto& mount : mounts_) all.push_back(mount->health());
  return all;
}

}  // namespace tutti::toolhost
