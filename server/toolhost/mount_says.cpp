// Mount: what its server says besides answers: log records, stderr, updates of resources.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/mcp/log_level.hpp"
#include "server/toolhost/connection.hpp"
#include "server/toolhost/mount.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;
using transport::steadyMs;

std::string Mount::withoutSecrets(std::string text) const {
  for (const std::string& secret : spec_.secrets)
    for (std::size_t at = text.find(secret); at != text.npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "***");
  return text;
}

/// Of every text in it, names of members too.
Json Mount::withoutSecrets(const Json& value) const {
  if (value.is_string()) return withoutSecrets(value.get<std::string>());
  Json out = value;
  if (value.is_array())
    for (Json& each : out) each = withoutSecrets(each);
  if (!value.is_object()) return out;
  out = Json::object();
  for (const auto& [name, each] : value.items()) out[withoutSecrets(name)] = withoutSecrets(each);
  return out;
}

void Mount::noteStderr(std::string line) {
  line = withoutSecrets(toValidUtf8(line));
  log::info("an MCP server says", {{"server", spec_.name}, {"line", line}});
  stderr_lines_.push_back(std::move(line));
  if (stderr_lines_.size() > options_.stderr_lines_max) stderr_lines_.pop_front();
}

/// A server of an older revision has one level for all: the lowest that a caller has asked for.
void Mount::wantLogs(const mcp::RequestContext& caller) {
  const auto level = caller.logLevel();
  client::Client& to = connection_->client();
  if (!level || isModern(to.facts().revision) || (log_level_ && *log_level_ <= *level)) return;
  if (json::find(to.facts().capabilities, "logging") == nullptr) return;
  log_level_ = *level;
  to.setLogLevel(std::string(mcp::logLevelName(*level)), [](const Result<client::Reply>&) {});
}

/// To the caller whose request has caused it; to all when none is under way; else it cannot be
/// said whose it is, and only our own log gets it.
void Mount::onLog(const client::LogRecord& record) {
  const std::int64_t now = steadyMs();
  if (now - logs_since_ms_ >= options_.logs_window_ms) {
    if (logs_dropped_ > 0)
      log::warning("an MCP server logs too much",
                   {{"server", spec_.name}, {"dropped", logs_dropped_}});
    logs_since_ms_ = now;
    logs_ = logs_dropped_ = 0;
  }
  if (++logs_ > options_.logs_max) {
    ++logs_dropped_;
    return;
  }
  const mcp::LogLevel level = mcp::parseLogLevel(record.level).value_or(mcp::LogLevel::Info);
  std::string logger = withoutSecrets(shortened(record.logger, 128));
  if (options_.naming == MountOptions::Naming::Prefixed)
    logger = logger.empty() ? spec_.name : spec_.name + "/" + logger;
  Json data = withoutSecrets(record.data);
  if (const std::string text = json::dump(data); text.size() > options_.log_bytes_max)
    data = shortened(text, options_.log_bytes_max);
  const auto found = calls_.find(record.cause);
  const auto call = found == calls_.end() ? nullptr : found->second.lock();
  if (call) return call->log(level, logger, data);
  if (calls_.empty()) return told_.logged(level, logger, data);
  log::debug("an MCP server logs", {{"server", spec_.name}, {"record", json::dump(data)}});
}

void Mount::watch(std::set<std::string> uris) {
  const bool cut = uris.size() > options_.watched_max;
  if (cut && !watched_cut_)
    log::warning(
        "more resources of an MCP server are watched than can be",
        {{"server", spec_.name}, {"watched", uris.size()}, {"watched_max", options_.watched_max}});
  watched_cut_ = cut;
  while (uris.size() > options_.watched_max) uris.erase(std::prev(uris.end()));
  if (uris == watched_) return;
  watched_ = std::move(uris);
  if (client::Client* to = client()) to->watch(watched_);
}

/// What is watched may be a part of something: a server may then name the part.
void Mount::onResourceUpdated(const std::string& uri) {
  std::string known = uri;
  while (!watched_.contains(known)) {
    const std::size_t slash = known.rfind('/');
    if (slash == known.npos || slash == 0) return;
    known.resize(slash);
  }
  updated_.insert(std::move(known));
  if (tell_updated_at_ms_ != 0) return;
  tell_updated_at_ms_ = std::max(steadyMs(), tell_updated_from_ms_);
  arm();
}

void Mount::onElicitationComplete(const std::string& elicitation_id) {
  told_.elicitation_complete(elicitation_id);
}

void Mount::tellUpdated() {
  tell_updated_at_ms_ = 0;
  tell_updated_from_ms_ = steadyMs() + options_.updates_pause_ms;
  for (const std::string& uri : std::exchange(updated_, {})) told_.updated(uriPrefix() + uri);
}

}  // namespace tutti::toolhost
