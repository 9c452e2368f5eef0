#include "server/toolhost/shared_copy.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/json/json.hpp"
#include "server/mcp/log_level.hpp"
#include "server/mcp/server.hpp"
#include "server/rpc/codec.hpp"
#include "server/toolhost/server_sink.hpp"
#include "server/transport/listener.hpp"
#include "server/transport/timers.hpp"
#include "server/transport/transport.hpp"
#include "server/transport/wakeup.hpp"

namespace tutti::toolhost {
namespace {

constexpr std::size_t kClientsMax = 256;
/// A server may need long to start, and a client should not take us for dead.
constexpr std::int64_t kUnsettledMaxMs = 30'000;
/// Messages of the largest kind that wait for a process, before it is heard no more until it has
/// read some; and so many times as much, before it is given up.
constexpr std::size_t kUnreadMessagesMax = 4;
constexpr std::size_t kBacklogFactor = 4;

mcp::ServerOptions serverOptions(boost::asio::io_context& io, const MountOptions& options) {
  mcp::ServerOptions made;
  made.name = "tutti-shared-copy";
  made.version = options.client_version;
  made.timers = transport::makeTimers(io);
  made.watched_max = std::max(made.watched_max, options.watched_max);
  made.keeps_elicitation_ids = true;
  return made;
}

/// A client learns once, in its handshake, which kinds of things there are, and may come before the
/// server has told us. What was ever offered stays declared.
void declareEverything(mcp::Server& server) {
  mcp::Tool tool;
  tool.name = "none";
  tool.input_schema = R"({"type":"object"})";
  (void)server.addTool(std::move(tool), [](const auto&) {});
  server.removeTool("none");
  mcp::Prompt prompt;
  prompt.name = "none";
  (void)server.addPrompt(
      std::move(prompt), [](const auto&) {}, [](const auto&) {});
  server.removePrompt("none");
  mcp::Resource resource;
  resource.uri = "tutti://none";
  resource.name = "none";
  (void)server.addResource(std::move(resource), [](const auto&) {});
  server.removeResource("tutti://none");
}

/// What a core tells only to clients of older revisions goes to all processes, whose own clients
/// may be older: log records that no request has caused, and visits to pages, which only that
/// process passes on that has sent somebody there.
class CopySink final : public ServerSink {
 public:
  using ToAll = std::function<void(const std::string& frame)>;
  CopySink(mcp::Server& server, ToAll to_all) : ServerSink(server), to_all_(std::move(to_all)) {}
  void log(mcp::LogLevel level, std::string_view logger, const Json& data) override {
    to_all_(mcp::logFrame(level, logger, data));
  }
  void elicitationComplete(const std::string& elicitation_id) override {
    to_all_(rpc::notificationFrame("notifications/elicitation/complete",
                                   json::dump(Json::object({{"elicitationId", elicitation_id}}))));
  }

 private:
  const ToAll to_all_;
};

/// All that the server has, under its own names: what is offered of it, and how, is for each
/// process that uses it to decide.
MountSpec wholeOf(MountSpec spec) {
  spec.tools = {};
  spec.prompts = {};
  spec.resources = {};
  return spec;
}

}  // namespace

struct SharedCopy::Impl : std::enable_shared_from_this<SharedCopy::Impl> {
  struct Client {
    Fd socket;
    std::unique_ptr<transport::StdioServer> stdio;
  };

  Impl(boost::asio::io_context& given_io, const MountSpec& spec, MountOptions options,
       Place given_place)
      : io(given_io),
        place(std::move(given_place)),
        line_bytes_max(spec.limits.message_bytes_max),
        server(serverOptions(io, options)),
        sink(server, [this](const std::string& frame) { tellAll(frame); }),
        alive_every_ms(std::max<std::int64_t>(1, options.owner_silent_max_ms / 4)),
        alive_timer(io, [this] { sayAlive(); }),
        listener(io, [this](Fd socket) { admit(std::move(socket)); }) {
    declareEverything(server);
    options.share_folder.clear();
    options.start_after_ms = 0;
    options.naming = MountOptions::Naming::AsGiven;
    options.synced = [this] { report(); };
    std::vector<MountSpec> one;
    one.push_back(wholeOf(spec));
    host = std::make_unique<ToolHost>(io, std::move(one), std::move(options), sink);
  }

  void begin() {
    report();
    host->start();
    host->whenSettled(
        [this] {
          settled = true;
          alive_timer.stop();
          for (Fd& socket : std::exchange(early, {})) serve(std::move(socket));
        },
        kUnsettledMaxMs);
  }

  void admit(Fd socket) {
    if (early.size() + clients.size() >= kClientsMax) {
      log::warning("too many processes share a tool server", {{"clients_max", kClientsMax}});
      return;
    }
    if (settled) return serve(std::move(socket));
    early.push_back(std::move(socket));
    sayAlive();
  }

  /// To those that wait for their first answer until the server is settled: that somebody is there.
  void sayAlive() {
    static const std::string frame =
        rpc::notificationFrame("notifications/tutti/starting", "{}") + "\n";
    for (const Fd& socket : early)  // who is gone, or reads nothing, is noticed when it is served
      (void)::send(socket.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    alive_timer.at(transport::steadyMs() + alive_every_ms);
  }

  void serve(Fd socket) {
    const std::uint64_t id = ++last_client;
    transport::StdioOptions options;
    options.input_fd = options.output_fd = socket.get();
    options.line_bytes_max = line_bytes_max;
    options.output_bytes_max = kUnreadMessagesMax * line_bytes_max;
    options.backlog_bytes_max = kBacklogFactor * options.output_bytes_max;
    Client& client = clients[id];
    client.socket = std::move(socket);
    client.stdio = std::make_unique<transport::StdioServer>(io, server, std::move(options),
                                                            [weak = weak_from_this(), id] {
                                                              if (const auto self = weak.lock())
                                                                self->clients.erase(id);
                                                            });
    client.stdio->start();
  }

  void tellAll(const std::string& frame) {
    for (const auto& [id, client] : clients) client.stdio->notify(frame);
  }

  void report() {
    if (!host) return;
    const Status written = replaceFile(place.report, reportOf(health()));
    if (!written.ok())
      log::warning("how a tool server fares cannot be told to other processes",
                   {{"why", written.error().text()}});
  }

  MountHealth health() const {
    MountHealth health = host->health().front();
    health.owner_pid = ::getpid();
    return health;
  }

  boost::asio::io_context& io;
  const Place place;  // the lock goes last
  const std::size_t line_bytes_max;
  mcp::Server server;
  CopySink sink;
  const std::int64_t alive_every_ms;
  transport::Wakeup alive_timer;
  std::unique_ptr<ToolHost> host;
  std::map<std::uint64_t, Client> clients;
  std::vector<Fd> early;  // came before the server was settled
  std::uint64_t last_client = 0;
  bool settled = false;
  transport::Listener listener;  // goes first
};

Result<std::unique_ptr<SharedCopy>> SharedCopy::start(boost::asio::io_context& io, MountSpec spec,
                                                      MountOptions options, Place place) {
  auto impl = std::make_shared<Impl>(io, spec, std::move(options), std::move(place));
  if (Status listens = impl->listener.listenUnix(impl->place.socket); !listens.ok())
    return std::move(listens).error();
  impl->begin();
  return std::unique_ptr<SharedCopy>(new SharedCopy(std::move(impl)));
}

SharedCopy::~SharedCopy() = default;

MountHealth SharedCopy::health() const {
  return impl_->health();
}

std::optional<Error> originalError(const Error& error) {
  if (mcp::client::serverCode(error) == 0) return std::nullopt;
  const auto object = json::parse(error.details());
  const Json* data = object.ok() ? json::find(*object, "data") : nullptr;
  if (data == nullptr || !data->is_object()) return std::nullopt;
  const std::string name = json::stringOr(*data, "name", "");
  if (name == "resource_not_found") return Error(Code::NotFound, error.message()).named(name);
  const std::string code = json::stringOr(*data, "code", "");
  constexpr std::array kCodes = {
      Code::InvalidArgument,   Code::NotFound,           Code::Conflict,
      Code::ResourceExhausted, Code::FailedPrecondition, Code::Unavailable,
      Code::DeadlineExceeded,  Code::Cancelled,          Code::Internal};
  const auto known = std::find_if(kCodes.begin(), kCodes.end(),
                                  [&code](Code each) { return codeName(each) == code; });
  if (known == kCodes.end()) return std::nullopt;
  Error original(*known, json::stringOr(*data, "message", ""), json::stringOr(*data, "hint", ""));
  const Json* details = json::find(*data, "details");
  return std::move(original).named(name).withDetails(details ? json::dump(*details) : "");
}

std::string reportOf(const MountHealth& health) {
  return json::dump(Json::object({{"owner_pid", health.owner_pid},
                                  {"state", std::string(mountStateName(health.state))},
                                  {"problem", health.problem},
                                  {"revision", health.revision},
                                  {"server_name", health.server_name},
                                  {"server_version", health.server_version},
                                  {"pid", health.pid},
                                  {"capabilities", health.capabilities},
                                  {"starts", health.starts},
                                  {"retry_in_ms", health.retry_in_ms},
                                  {"left_out", health.left_out},
                                  {"stderr", health.stderr_lines}}));
}

void takeReport(const std::string& report, MountHealth& health) {
  const auto parsed = json::parse(report);
  if (!parsed.ok() || !parsed->is_object()) return;
  const Json& told = *parsed;
  health.owner_pid = static_cast<int>(json::integerOr(told, "owner_pid", 0));
  const bool reached = health.state == MountState::Ready;
  const std::string state = json::stringOr(told, "state", "");
  for (const MountState each : {MountState::Starting, MountState::Ready, MountState::Waiting})
    if (reached && state == mountStateName(each)) health.state = each;
  if (health.problem.empty()) health.problem = json::stringOr(told, "problem", "");
  health.revision = json::stringOr(told, "revision", "");
  health.server_name = json::stringOr(told, "server_name", "");
  health.server_version = json::stringOr(told, "server_version", "");
  health.pid = static_cast<int>(json::integerOr(told, "pid", 0));
  health.starts = json::integerOr(told, "starts", 0);
  if (reached) health.retry_in_ms = json::integerOr(told, "retry_in_ms", 0);
  const auto strings = [&told](const char* key, auto& to) {
    if (auto list = json::readStrings(told, key); list.ok() && *list)
      for (std::string& each : **list) to.insert(to.end(), std::move(each));
  };
  health.capabilities.clear();
  strings("capabilities", health.capabilities);
  strings("left_out", health.left_out);
  strings("stderr", health.stderr_lines);
}

}  // namespace tutti::toolhost
