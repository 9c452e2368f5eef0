// bench_stream_reader PORT PID STREAMS ROUNDS: opens STREAMS event streams to the conformance
// fixture on PORT (process PID), makes its tools change ROUNDS times, and prints
// {"kb_each":…,"p50_ms":…,"max_ms":…,"server_ms":…}: memory of a stream, the time from asking for a
// change until the last stream has it, and the server's CPU for one change.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWaitMaxMs = 30'000;
constexpr std::string_view kAcknowledged = "notifications/subscriptions/acknowledged";
constexpr std::string_view kChanged = "notifications/tools/list_changed";
constexpr std::string_view kAnswered = R"("id":1)";

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string post(const std::string& method, const std::string& parameters,
                 const std::string& name = "") {
  const std::string body = R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":{)" +
                           parameters +
                           R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                           R"("io.modelcontextprotocol/clientCapabilities":{}}}})";
  return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
         "Mcp-Method: " +
         method + "\r\n" + (name.empty() ? "" : "Mcp-Name: " + name + "\r\n") +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// One connection, and what has come on it since something was last found there.
struct Connection {
  int fd = -1;
  std::string bytes;
};

/// Reads many connections on one thread, as cheaply as it can: what is measured is the server.
class Reader {
 public:
  explicit Reader(int port) : port_(port), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) fail("epoll_create1");
  }

  std::size_t open(const std::string& request) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("connect");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = connections_.size();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    connections_.push_back({fd, {}});
    send(connections_.size() - 1, request);
    return connections_.size() - 1;
  }

  void send(std::size_t index, const std::string& request) {
    if (request.empty()) return;
    if (::send(connections_[index].fd, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      fail("send");
  }

  /// Until `text` has come `count` times on connections but `aside`, and `answered` on that one.
  void await(std::string_view text, std::size_t count, std::size_t aside) {
    bool answered = aside == kNone;
    while (count > 0 || !answered) {
      const int ready = ::epoll_wait(epoll_, events_.data(), events_.size(), kWaitMaxMs);
      if (ready <= 0) fail("waiting for the server");
      for (int i = 0; i < ready; ++i) {
        const std::size_t index = events_[static_cast<std::size_t>(i)].data.u64;
        if (!read(connections_[index], index == aside ? kAnswered : text)) continue;
        if (index == aside)
          answered = true;
        else
          --count;
      }
    }
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

 private:
  /// Is `text` there now? Then what came up to now is dropped.
  bool read(Connection& connection, std::string_view text) {
    const ssize_t size = ::recv(connection.fd, block_.data(), block_.size(), 0);
    if (size <= 0) fail("recv");
    connection.bytes.append(block_.data(), static_cast<std::size_t>(size));
    if (connection.bytes.find(text) == std::string::npos) return false;
    connection.bytes.clear();
    return true;
  }

  const int port_;
  const int epoll_;
  std::vector<Connection> connections_;
  std::array<epoll_event, 256> events_{};
  std::array<char, 16'384> block_{};
};

std::int64_t residentKb(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6);
  return 0;
}

/// CPU of the server's main thread, which does all its input and output.
double cpuMs(const std::string& pid) {
  double nanoseconds = 0;
  std::ifstream("/proc/" + pid + "/schedstat") >> nanoseconds;
  return nanoseconds / 1e6;
}

void allowDescriptors(rlim_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min(limit.rlim_max, std::max(limit.rlim_cur, count));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: bench_stream_reader PORT PID STREAMS ROUNDS\n", stderr);
    return 2;
  }
  const std::string pid = argv[2];
  const auto streams = static_cast<std::size_t>(std::atoi(argv[3]));
  const auto rounds = static_cast<std::size_t>(std::max(1, std::atoi(argv[4])));
  allowDescriptors(streams + 64);

  Reader reader(std::atoi(argv[1]));
  const std::int64_t before = residentKb(pid);
  const std::string listen =
      post("subscriptions/listen", R"("notifications":{"toolsListChanged":true})");
  for (std::size_t i = 0; i < streams; ++i) {
    reader.open(listen);
    reader.await(kAcknowledged, 1, Reader::kNone);
  }
  const double each = static_cast<double>(residentKb(pid) - before) / static_cast<double>(streams);

  const std::string change =
      post("tools/call", R"("name":"test_trigger_tool_change","arguments":{})",
           "test_trigger_tool_change");
  const std::size_t caller = reader.open({});
  const double cpu_before = cpuMs(pid);
  std::vector<double> took;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto began = Clock::now();
    reader.send(caller, change);
    reader.await(kChanged, streams, caller);
    took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
  }
  const double server = (cpuMs(pid) - cpu_before) / static_cast<double>(rounds);
  std::sort(took.begin(), took.end());
  std::printf("{\"kb_each\":%.1f,\"p50_ms\":%.2f,\"max_ms\":%.2f,\"server_ms\":%.2f}\n", each,
              took[took.size() / 2], took.back(), server);
}
