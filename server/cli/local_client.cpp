#include "server/cli/local_client.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "server/base/fd.hpp"
#include "server/base/file.hpp"
#include "server/transport/transport.hpp"

namespace tutti::cli {
namespace net = boost::asio;

namespace {
Json envelope(bool wants_progress, std::int64_t id) {
  Json meta = Json::object({{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                            {"io.modelcontextprotocol/clientCapabilities", Json::object()},
                            {"io.modelcontextprotocol/clientInfo",
                             Json::object({{"name", "tutti-cli"}, {"version", TUTTI_VERSION}})}});
  if (wants_progress) meta["progressToken"] = id;
  return meta;
}
/// A failed tool's error object, or one made of its text.
Json toolError(const Answer& answer) {
  const Json* meta = json::find(answer.result, "_meta");
  const Json* error = meta == nullptr ? nullptr : json::find(*meta, "tutti/error");
  if (error != nullptr) return *error;
  const Json* content = json::find(answer.result, "content");
  std::string text = "the tool failed";
  if (content != nullptr && content->is_array() && !content->empty())
    text = json::stringOr(content->front(), "text", text);
  return Json::object({{"message", text}});
}
}  // namespace

struct LocalClient::Impl {
  explicit Impl(std::unique_ptr<Application> opened) : app(std::move(opened)), socket(app->io()) {}

  Status connect();
  void readMore();
  void take(const std::string& line);

  std::unique_ptr<Application> app;
  Fd server_end;
  net::posix::stream_descriptor socket;
  std::unique_ptr<transport::StdioServer> stdio;
  std::array<char, 65536> block{};
  std::string pending;
  std::int64_t next_id = 0;
  std::optional<Answer> answer;
  std::function<void(const std::string&)> progress;
  bool interrupted = false;
};

LocalClient::LocalClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalClient::~LocalClient() = default;

Result<std::unique_ptr<LocalClient>> LocalClient::open(const Settings& settings) {
  auto application = Application::open(settings);
  if (!application.ok()) return std::move(application).error();
  auto impl = std::make_unique<Impl>(std::move(*application));
  if (Status connected = impl->connect(); !connected.ok()) return std::move(connected).error();
  return std::unique_ptr<LocalClient>(new LocalClient(std::move(impl)));
}

Status LocalClient::Impl::connect() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Error(Code::Internal, "cannot make a socket pair: " + errnoText(errno));
  socket.assign(ends[0]);
  server_end.reset(ends[1]);
  transport::StdioOptions options;
  options.input_fd = server_end.get();
  options.output_fd = server_end.get();
  options.agent_session_id = fromEnvironment("TUTTI_SESSION_ID");
  stdio = std::make_unique<transport::StdioServer>(app->io(), app->server(), options, [] {});
  stdio->start();
  app->onSignal([this](int) {
    interrupted = true;
    app->io().stop();
  });
  readMore();
  return ok();
}

void LocalClient::Impl::readMore() {
  socket.async_read_some(net::buffer(block),
                         [this](boost::system::error_code error, std::size_t size) {
                           if (error) return;
                           pending.append(block.data(), size);
                           std::size_t begin = 0;
                           for (std::size_t end = pending.find('\n'); end != std::string::npos;
                                end = pending.find('\n', begin)) {
                             take(pending.substr(begin, end - begin));
                             begin = end + 1;
                           }
                           pending.erase(0, begin);
                           readMore();
                         });
}

void LocalClient::Impl::take(const std::string& line) {
  auto message = json::parse(line, {.depth_max = 600});
  if (!message.ok()) return;
  if (json::stringOr(*message, "method", "") == "notifications/progress") {
    if (progress) progress(json::stringOr((*message)["params"], "message", ""));
    return;
  }
  if (json::integerOr(*message, "id", -1) != next_id) return;
  Answer received;
  if (const Json* result = json::find(*message, "result")) received.result = *result;
  if (const Json* error = json::find(*message, "error")) received.error = *error;
  answer = std::move(received);
}

Answer LocalClient::ask(const std::string& method, Json params,
                        std::function<void(const std::string&)> progress) {
  impl_->progress = std::move(progress);
  const std::int64_t id = ++impl_->next_id;
  params["_meta"] = envelope(static_cast<bool>(impl_->progress), id);
  const std::string line =
      json::dump(Json::object(
          {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}})) +
      "\n";
  impl_->answer.reset();
  net::async_write(impl_->socket, net::buffer(line), [](boost::system::error_code, std::size_t) {});
  while (!impl_->answer && !impl_->interrupted) impl_->app->io().run_one();
  impl_->progress = nullptr;
  if (impl_->answer) return std::move(*impl_->answer);
  return Answer{Json(), Json::object({{"message", "interrupted"}})};
}

Answer LocalClient::call(const std::string& tool, Json arguments,
                         std::function<void(const std::string&)> progress) {
  Answer answer =
      ask("tools/call", Json::object({{"name", tool}, {"arguments", std::move(arguments)}}),
          std::move(progress));
  if (!answer.error.is_null()) return answer;
  if (json::booleanOr(answer.result, "isError", false)) return Answer{Json(), toolError(answer)};
  const Json* structured = json::find(answer.result, "structuredContent");
  if (structured != nullptr) return Answer{*structured, Json()};
  Json shown = Json::object();
  if (const Json* content = json::find(answer.result, "content")) shown["content"] = *content;
  return Answer{std::move(shown), Json()};
}

void LocalClient::awaitMounts() {
  constexpr std::int64_t kMountsMaxMs = 60'000;
  toolhost::ToolHost* host = impl_->app->toolHost();
  if (host == nullptr) return;
  const auto settled = std::make_shared<bool>(false);
  host->whenSettled([settled] { *settled = true; }, kMountsMaxMs);
  while (!*settled && !impl_->interrupted) impl_->app->io().run_one();
}

void LocalClient::close() {
  impl_->app->leave();
  impl_->app->run();
}

}  // namespace tutti::cli
