// Mount: the way to a copy that one process runs for all, and what to do when that process is gone,
// or does not answer.
#include <nlohmann/json.hpp>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/toolhost/connection.hpp"
#include "server/toolhost/mount.hpp"
#include "server/toolhost/share.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::toolhost {
namespace {

constexpr std::int64_t kReopenMs = 10;

}  // namespace

/// False when it is not to be reached at the moment; then what has to follow is under way.
bool Mount::reachShared(Fd& socket) {
  auto reached = share_->connect();
  if (reached.ok()) {
    socket = std::move(*reached);
    return true;
  }
  fail(reached.error());
  return false;
}

/// The owner comes and goes, and calls may wait for the next one; for an owner that is there and
/// silent they do not wait. False when the copy has failed in a way that another try does not mend.
bool Mount::reachAgain(const Error& error) {
  if (std::exchange(ready_since_ms_, 0) != 0) {
    log::info("a shared MCP server has lost its owner", {{"server", spec_.name}});
    reopenSoon();
    return true;
  }
  const bool silent = error.name() == "handshake_timeout";
  const bool gone = error.name() == "copy_not_listening" || error.name() == "server_lost";
  if (!silent && !gone) return false;
  if (gone && ++reopened_ * kReopenMs < options_.owner_silent_max_ms) {
    reopenSoon();
    return true;
  }
  if (share_->owns()) return false;
  goAlone(error);
  return true;
}

/// A request that ran into its time limit may be the server's doing, or the owner's, who answers
/// this at once if it answers at all.
void Mount::checkOwner() {
  if (!share_ || share_->owns() || client() == nullptr || std::exchange(checking_owner_, true))
    return;
  mcp::client::CallOptions options;
  options.time_max_ms = options_.owner_silent_max_ms;
  const auto done = [weak = weak_from_this()](const Result<mcp::client::Reply>& reply) {
    const auto self = weak.lock();
    if (!self) return;
    self->checking_owner_ = false;
    if (reply.ok() || reply.error().name() != "request_timeout" || !self->connection_) return;
    // What else is under way there ends like this too.
    self->connection_->client().lost(
        Error(Code::Unavailable, "the process of tutti that runs it does not answer")
            .named("server_lost"));
  };
  connection_->client().request("server/discover", Json::object(), std::move(options), done);
}

/// For as long as this process lasts: it cannot be told when the owner is well again.
void Mount::goAlone(const Error& error) {
  MountHealth seen;
  share_->describe(seen);
  note_ = "the process of tutti that runs the shared copy";
  if (seen.owner_pid != 0) note_ += " (" + std::to_string(seen.owner_pid) + ")";
  note_ +=
      " does not answer, so this one runs a copy of its own; end that process and restart "
      "this one to share again";
  log::warning("a shared MCP server cannot be reached and is started once more",
               {{"server", spec_.name},
                {"owner_pid", seen.owner_pid},
                {"why", withoutSecrets(error.text())}});
  share_.reset();
  reopened_ = 0;
  reopenSoon();
}

void Mount::reopenSoon() {
  state_ = MountState::Starting;
  restart_at_ms_ = transport::steadyMs() + kReopenMs;
  arm();
}

}  // namespace tutti::toolhost
