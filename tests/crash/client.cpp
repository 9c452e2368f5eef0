#include "tests/crash/client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace tutti::crash {
namespace {

constexpr const char* kHello =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
    R"("capabilities":{},"clientInfo":{"name":"crash","version":"1"}}})"
    "\n"
    R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
    "\n";
constexpr int kStartMaxMs = 20'000;

std::int64_t nowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

bool readable(int fd, std::int64_t ms) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(std::max<std::int64_t>(ms, 0))) == 1;
}

bool sendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(fd, bytes.data(), bytes.size());
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
  list.push_back(nullptr);
  return list;
}

/// What a request says of its sender where no handshake was made.
Json envelope() {
  return Json::object(
      {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
       {"io.modelcontextprotocol/clientInfo", Json::object({{"name", "crash"}, {"version", "1"}})},
       {"io.modelcontextprotocol/clientCapabilities", Json::object()}});
}

std::optional<Answer> answerIn(const std::string& text) {
  const Result<Json> message = json::parse(text);
  if (!message.ok()) return Answer{-1, true, Json{{"name", "not_json"}, {"message", text}}};
  const std::int64_t id = json::integerOr(*message, "id", -1);
  if (id == 0 || json::find(*message, "method") != nullptr) return std::nullopt;  // the handshake's
  if (const Json* error = json::find(*message, "error")) return Answer{id, true, *error};
  const Json* result = json::find(*message, "result");
  if (result == nullptr) return std::nullopt;
  const Json* body = json::find(*result, "structuredContent");
  const bool is_error = json::booleanOr(*result, "isError", false);
  return Answer{id, is_error, body != nullptr ? *body : *result};
}

}  // namespace

Client::Client(const World& world, Face face) : face_(face) {
  spawn(world);
  if (face_ == Face::Stdio) greet();
  if (face_ == Face::Http) awaitPort();
}

Client::~Client() {
  if (pid_ <= 0) return;
  kill();
}

void Client::spawn(const World& world) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
  const Fd child_in(in[0]);
  const Fd child_out(out[1]);
  input_.reset(in[1]);
  (face_ == Face::Stdio ? output_ : errors_).reset(out[0]);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  const std::string log = world.serverLog();
  const int told = face_ == Face::Stdio ? 1 : 2;
  const int logged = face_ == Face::Stdio ? 2 : 1;
  ::posix_spawn_file_actions_adddup2(&actions, out[1], told);
  ::posix_spawn_file_actions_addopen(&actions, logged, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
  auto words = world.command(face_ == Face::Stdio ? "stdio" : "serve");
  if (face_ == Face::Http) words.insert(words.end(), {"--port", "0"});
  const auto environment = world.environment();
  if (::posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, pointers(words).data(),
                    pointers(environment).data()) != 0)
    pid_ = -1;
  ::posix_spawn_file_actions_destroy(&actions);
}

void Client::greet() {
  up_ = pid_ > 0 && sendAll(input_.get(), kHello);
}

// The server says on stderr where it listens, once it does.
void Client::awaitPort() {
  const std::int64_t until = nowMs() + kStartMaxMs;
  std::string said;
  char block[4096];
  while (pid_ > 0 && readable(errors_.get(), until - nowMs())) {
    const ssize_t size = ::read(errors_.get(), block, sizeof block);
    if (size <= 0) return;
    said.append(block, static_cast<std::size_t>(size));
    const auto at = said.find("http://127.0.0.1:");
    if (at == std::string::npos || said.find('\n', at) == std::string::npos) continue;
    port_ = std::atoi(said.c_str() + at + 17);
    up_ = connectHttp();
    return;
  }
}

std::optional<std::int64_t> Client::send(const std::string& tool, const Json& arguments) {
  if (!up_) return std::nullopt;
  const std::int64_t id = next_id_++;
  Json params = Json::object({{"name", tool}, {"arguments", arguments}});
  if (face_ == Face::Http) params["_meta"] = envelope();
  const std::string body = json::dump(Json::object(
      {{"jsonrpc", "2.0"}, {"id", id}, {"method", "tools/call"}, {"params", std::move(params)}}));
  const bool sent =
      face_ == Face::Stdio ? sendAll(input_.get(), body + "\n") : sendHttp(tool, body);
  if (!sent) return std::nullopt;
  return id;
}

bool Client::connectHttp() {
  output_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* generic = reinterpret_cast<sockaddr*>(&address);
  return ::connect(output_.get(), generic, sizeof address) == 0;
}

bool Client::sendHttp(const std::string& tool, const std::string& body) {
  return sendAll(output_.get(), "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                                    "\r\nContent-Type: application/json\r\n"
                                    "Accept: application/json, text/event-stream\r\n"
                                    "MCP-Protocol-Version: 2026-07-28\r\n"
                                    "Mcp-Method: tools/call\r\nMcp-Name: " +
                                    tool + "\r\nContent-Length: " + std::to_string(body.size()) +
                                    "\r\n\r\n" + body);
}

std::vector<std::string> Client::messages() {
  std::vector<std::string> found;
  if (face_ == Face::Stdio) {
    std::size_t begin = 0;
    for (std::size_t end = pending_.find('\n'); end != std::string::npos;
         end = pending_.find('\n', begin)) {
      found.push_back(pending_.substr(begin, end - begin));
      begin = end + 1;
    }
    pending_.erase(0, begin);
    return found;
  }
  const auto head = pending_.find("\r\n\r\n");
  const auto length = pending_.find("Content-Length: ");
  if (head == std::string::npos || length == std::string::npos) return found;
  const std::size_t size = std::strtoul(pending_.c_str() + length + 16, nullptr, 10);
  if (pending_.size() < head + 4 + size) return found;
  found.push_back(pending_.substr(head + 4, size));
  pending_.clear();
  return found;
}

std::vector<Answer> Client::receive(int ms, bool& open) {
  std::vector<Answer> answers;
  open = true;
  if (!output_ || !readable(output_.get(), ms)) return answers;
  char block[65536];
  const ssize_t size = ::read(output_.get(), block, sizeof block);
  if (size <= 0) {
    open = false;
    return answers;
  }
  pending_.append(block, static_cast<std::size_t>(size));
  for (const std::string& message : messages())
    if (auto answer = answerIn(message)) answers.push_back(std::move(*answer));
  return answers;
}

std::optional<Answer> Client::call(const std::string& tool, const Json& arguments, int ms) {
  const auto id = send(tool, arguments);
  const std::int64_t until = nowMs() + ms;
  bool open = id.has_value();
  while (open && nowMs() < until) {
    for (Answer& answer : receive(static_cast<int>(until - nowMs()), open))
      if (answer.id == *id) return std::move(answer);
  }
  return std::nullopt;
}

void Client::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  up_ = false;
}

std::optional<int> Client::leave(int ms) {
  if (pid_ <= 0) return std::nullopt;
  input_.reset();
  if (face_ == Face::Http) ::kill(pid_, SIGTERM);
  if (!waitGone(pid_, ms)) return std::nullopt;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  up_ = false;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace tutti::crash
