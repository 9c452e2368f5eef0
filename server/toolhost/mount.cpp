#include "server/toolhost/mount.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>

#include "server/base/ids.hpp"
#include "server/base/log.hpp"
#include "server/base/text.hpp"
#include "server/toolhost/connection.hpp"
#include "server/toolhost/mounted_uri.hpp"
#include "server/toolhost/roots.hpp"
#include "server/toolhost/share.hpp"
#include "server/toolhost/shared_copy.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::toolhost {

namespace client = mcp::client;
using transport::steadyMs;

namespace {
constexpr std::size_t kProblemMax = 500;

/// "exited with status 1", "was ended by signal 9 (Killed)".
std::string exitText(int status) {
  constexpr int kSignals = 128;
  if (status <= kSignals) return "exited with status " + std::to_string(status);
  const int number = status - kSignals;
  return "was ended by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}
}  // namespace

struct Mount::Timer {
  Timer(boost::asio::io_context& io, std::function<void()> callback)
      : wakeup(io, std::move(callback)) {}
  transport::Wakeup wakeup;
};

std::string_view mountStateName(MountState state) {
  switch (state) {
    case MountState::Starting:
      return "starting";
    case MountState::Ready:
      return "ready";
    case MountState::Waiting:
      return "waiting";
    case MountState::Broken:
      break;
  }
  return "broken";
}

std::shared_ptr<Mount> Mount::create(boost::asio::io_context& io, MountSpec spec,
                                     MountOptions options, Told told) {
  return std::shared_ptr<Mount>(
      new Mount(io, std::move(spec), std::move(options), std::move(told)));
}

Mount::Mount(boost::asio::io_context& io, MountSpec spec, MountOptions options, Told told)
    : io_(io),
      spec_(std::move(spec)),
      options_(std::move(options)),
      told_(std::move(told)),
      timer_(std::make_unique<Timer>(io, [this] { wake(); })) {
  if (options_.share_folder.empty() || !spec_.share || !spec_.problem.empty()) return;
  auto share = Share::create(io_, spec_, options_);
  if (share.ok())
    share_ = std::move(*share);
  else
    log::warning("an MCP server cannot be shared between processes",
                 {{"server", spec_.name}, {"why", share.error().text()}});
}

Mount::~Mount() = default;

void Mount::start() {
  if (spec_.problem.empty()) return open();
  state_ = MountState::Broken;
  problem_ = spec_.problem;
  log::warning("an MCP server cannot be mounted", {{"server", spec_.name}, {"why", problem_}});
  settle();
}

void Mount::stop() {
  const auto kept = shared_from_this();
  stopped_ = true;
  told_ = {[] {}, [](const auto&) {}, [](auto, const auto&, const auto&) {}, [](const auto&) {}};
  timer_->wakeup.stop();
  failWaiting(Error(Code::Cancelled, "tutti is ending"));
  connection_.reset();
  share_.reset();
  parked_.clear();
}

void Mount::open() {
  if (stopped_) return;
  state_ = MountState::Starting;
  restart_at_ms_ = 0;
  Connection::Wanted wanted{spec_, options_.program, {}, {}, {}, {}};
  if (share_ && !reachShared(wanted.shared)) return;
  const std::int64_t start = ++starts_;
  wanted.client.version = options_.client_version;
  wanted.client.in_flight_max = spec_.limits.in_flight_max + 8;  // lists and the like
  wanted.client.sampling = wanted.client.elicit_form = wanted.client.elicit_url = true;
  wanted.client.roots = true;
  wanted.client.era = probe_kills_ ? client::Era::Legacy : client::Era::Either;
  if (share_) {
    wanted.client.era = client::Era::Modern;
    wanted.client.keeps_elicitation_ids = true;
    wanted.client.handshake_silent_max_ms = share_->owns() ? 0 : options_.owner_silent_max_ms;
  }
  const std::weak_ptr<Mount> weak = weak_from_this();
  wanted.on_stderr = [weak](std::string line) {
    if (const auto self = weak.lock()) self->noteStderr(std::move(line));
  };
  wanted.on_exit = [weak, start](int status) {
    const auto self = weak.lock();
    if (!self || self->starts_ != start || self->state_ != MountState::Waiting) return;
    self->problem_ = "it " + exitText(status);
    if (!self->stderr_lines_.empty())
      self->problem_ += "; its last words: " + self->stderr_lines_.back();
    self->problem_ = shortened(self->problem_, kProblemMax);
    self->told_.changed();
  };
  auto opened = Connection::open(io_, std::move(wanted), *this);
  if (!opened.ok()) return fail(opened.error());
  connection_ = std::move(*opened);
  told_.changed();
}

void Mount::onReady() {
  reopened_ = 0;
  state_ = MountState::Ready;
  problem_.clear();
  ready_since_ms_ = steadyMs();
  log::info("an MCP server is mounted",
            {{"server", spec_.name},
             {"revision", mcp::revisionName(connection_->client().facts().revision)}});
  log_level_.reset();
  connection_->client().watch(watched_);
  if (starts_ > 1)  // nobody saw what happened to them meanwhile
    for (const std::string& uri : watched_) onResourceUpdated(uri);
  list();
  serveWaiting();
}

void Mount::onLost(const Error& error) {
  if (state_ == MountState::Starting && error.name() == "server_lost" && !share_)
    probe_kills_ = !probe_kills_;
  // The client is still at work above us: it goes in the next turn.
  boost::asio::post(io_, [weak = weak_from_this(), dead = connection_, error] {
    const auto self = weak.lock();
    if (self && !self->stopped_ && self->connection_ == dead) self->fail(error);
  });
}

void Mount::fail(const Error& error) {
  connection_.reset();
  listing_ = false;
  relist_at_ms_ = 0;
  if (share_ && reachAgain(error)) return;
  const std::int64_t now = steadyMs();
  if (ready_since_ms_ != 0 && now - ready_since_ms_ >= options_.steady_ms) restart_pause_ms_ = 0;
  ready_since_ms_ = 0;
  restart_pause_ms_ =
      std::clamp(restart_pause_ms_ * 2, options_.restart_first_ms, options_.restart_max_ms);
  restart_at_ms_ = now + restart_pause_ms_;
  state_ = MountState::Waiting;
  problem_ = shortened(withoutSecrets(error.text()), kProblemMax);
  log::warning("an MCP server is gone and will be started again",
               {{"server", spec_.name}, {"why", problem_}, {"in_ms", restart_pause_ms_}});
  failWaiting(notReady());
  arm();
  settle();
}

void Mount::settle() {
  settled_ = true;
  told_.changed();
}

Error Mount::notReady() const {
  std::string message = "it is not running (" + std::string(mountStateName(state_)) + ")";
  if (!problem_.empty()) message += ": " + problem_;
  return Error(Code::Unavailable, std::move(message),
               "it is started again by itself; list_tool_servers shows how it fares")
      .named("tool_server_not_ready");
}

Error Mount::forCaller(const Error& error) const {
  if (share_)
    if (auto original = originalError(error)) return std::move(*original);
  return ofServer(spec_.name, error);
}

// --- Calls -------------------------------------------------------------------------------------

void Mount::pass(Passing passing) {
  if (!passing.caller->state().empty()) return resume(std::move(passing));
  if (state_ == MountState::Ready) return begin(std::move(passing));
  if (state_ == MountState::Starting && waiting_.size() < options_.waiting_max) {
    waiting_.push_back({std::move(passing), steadyMs() + options_.waiting_max_ms});
    return arm();
  }
  refuse(passing, notReady());
}

void Mount::refuse(const Passing& passing, const Error& error) {
  ++calls_failed_;
  passing.finish(ofServer(spec_.name, error));
}

void Mount::begin(Passing passing) {
  if (passing.caller->cancelled()) return;
  if (calls_.size() >= spec_.limits.in_flight_max)
    return refuse(passing,
                  Error(Code::ResourceExhausted,
                        std::to_string(calls_.size()) + " requests are under way already",
                        "wait for some, or raise tutti.limits.in_flight_max of this server")
                      .named("in_flight_max"));
  wantLogs(*passing.caller);
  std::make_shared<MountedCall>(shared_from_this(), std::move(passing))
      ->start(connection_->client());
}

/// The state that the caller comes back with, or nothing when too many are away.
std::string Mount::park(std::shared_ptr<MountedCall> call) {
  if (parked_.size() >= options_.parked_max) return {};
  const std::string state = newUuid();
  parked_.emplace(state, Parked{std::move(call), steadyMs() + options_.parked_max_ms});
  arm();
  return state;
}

void Mount::resume(Passing passing) {
  const auto found = parked_.find(std::string(passing.caller->state()));
  if (found == parked_.end() || found->second.call->what() != passing.what)
    return refuse(passing, Error(Code::FailedPrecondition,
                                 "the call this answer belongs to is over", "call it again")
                               .named("call_is_over"));
  const auto parked = std::move(found->second.call);
  parked_.erase(found);
  parked->resume(std::move(passing));
}

void Mount::expireParked() {
  const std::int64_t now = steadyMs();
  for (auto at = parked_.begin(); at != parked_.end();) {
    if (at->second.until_ms > now) {
      ++at;
      continue;
    }
    const auto late = std::move(at->second.call);
    at = parked_.erase(at);
    late->expire();
  }
}

void Mount::serveWaiting() {
  for (Waiting& each : std::exchange(waiting_, {})) begin(std::move(each.passing));
}

void Mount::failWaiting(const Error& error) {
  for (const Waiting& each : std::exchange(waiting_, {})) refuse(each.passing, error);
}

void Mount::expireWaiting() {
  const std::int64_t now = steadyMs();
  while (!waiting_.empty() && waiting_.front().until_ms <= now) {
    const Waiting late = std::move(waiting_.front());
    waiting_.pop_front();
    refuse(late.passing, notReady());
  }
}

void Mount::onAsked(std::shared_ptr<client::Question> question) {
  const auto found = calls_.find(question->cause());
  const auto call = found == calls_.end() ? nullptr : found->second.lock();
  if (call) return call->ask(question);
  if (question->method() == client::Question::Method::ListRoots)
    return question->answer(rootsFor(spec_));
  question->refuse(Error(Code::FailedPrecondition,
                         "it cannot be told which of the calls under way this belongs to"));
}

// --- Time ---------------------------------------------------------------------------

void Mount::arm() {
  std::int64_t next = transport::Wakeup::kNever;
  for (const std::int64_t at : {restart_at_ms_, relist_at_ms_, tell_updated_at_ms_})
    if (at != 0) next = std::min(next, at);
  if (!waiting_.empty()) next = std::min(next, waiting_.front().until_ms);
  for (const auto& [state, parked] : parked_) next = std::min(next, parked.until_ms);
  timer_->wakeup.at(next);
}

void Mount::wake() {
  const auto kept = shared_from_this();
  const std::int64_t now = steadyMs();
  expireWaiting();
  expireParked();
  if (tell_updated_at_ms_ != 0 && now >= tell_updated_at_ms_) tellUpdated();
  if (restart_at_ms_ != 0 && now >= restart_at_ms_) open();
  if (relist_at_ms_ != 0 && now >= relist_at_ms_ && state_ == MountState::Ready && !listing_)
    list();
  if (relist_at_ms_ != 0 && listing_) relist_at_ms_ = now + options_.relist_pause_ms;
  arm();
}

MountHealth Mount::health() const {
  MountHealth health;
  health.name = spec_.name;
  health.kind = spec_.kind;
  health.state = state_;
  health.problem = problem_;
  health.note = note_;
  if (connection_ && state_ == MountState::Ready) {
    const client::ServerFacts& facts = connection_->client().facts();
    health.revision = std::string(mcp::revisionName(facts.revision));
    health.server_name = facts.name;
    health.server_version = facts.version;
  }
  if (connection_) health.pid = std::max(0, connection_->pid());
  health.capabilities = capabilities_;
  health.starts = starts_;
  if (restart_at_ms_ != 0)
    health.retry_in_ms = std::max<std::int64_t>(0, restart_at_ms_ - steadyMs());
  health.tools = tools_.size();
  health.prompts = prompts_.size();
  health.resources = resources_.size();
  health.templates = templates_.size();
  health.left_out = left_out_;
  health.in_flight = calls_.size();
  health.calls_ok = calls_ok_;
  health.calls_failed = calls_failed_;
  health.stderr_lines.assign(stderr_lines_.begin(), stderr_lines_.end());
  if (share_) share_->describe(health);
  return health;
}

}  // namespace tutti::toolhost
