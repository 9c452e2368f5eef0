// bench_stdio_driver SECONDS WINDOW legacy|modern COMMAND…: starts an MCP server on pipes, keeps
// WINDOW echo calls in flight and prints
// {"per_s":…,"p50_us":…,"p99_us":…,"start_ms":…,"cpu_s":…,"rss_kb":…}.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// The server's ends of two pipes become its stdin and stdout.
struct Child {
  pid_t pid = 0;
  int to = -1;
  int from = -1;
};

Child start(char** command) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) std::exit(1);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execvp(command[0], command);
    std::_Exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  return {pid, in[1], out[0]};
}

class Driver {
 public:
  Driver(const Child& child, bool modern) : child_(child) {
    tail_ = R"(,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"})";
    if (modern)
      tail_ += R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
               R"("io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},)"
               R"("io.modelcontextprotocol/clientCapabilities":{}})";
    tail_ += "}}\n";
  }

  void handshake() {
    send(R"({"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":)"
         R"("2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}})"
         "\n");
    readLines(1);
    send(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
         "\n");
  }
  /// Sends `count` more calls in one write.
  void call(std::size_t count) {
    std::string block;
    for (std::size_t i = 0; i < count; ++i) {
      block.append("{\"jsonrpc\":\"2.0\",\"id\":").append(std::to_string(sent_.size()));
      block += tail_;
      sent_.push_back(Clock::now());
    }
    send(block);
  }
  /// Waits for at least `least` answers and says how many came. Notes how long each took.
  std::size_t readLines(std::size_t least) {
    std::size_t count = 0;
    while (count < least) {
      const ssize_t size = ::read(child_.from, block_.data(), block_.size());
      if (size <= 0) {
        std::fputs("the server has gone\n", stderr);
        std::exit(1);
      }
      pending_.append(block_.data(), static_cast<std::size_t>(size));
      std::size_t at = 0;
      for (auto end = pending_.find('\n'); end != std::string::npos;
           end = pending_.find('\n', at)) {
        note(std::string_view(pending_).substr(at, end - at));
        at = end + 1;
        ++count;
      }
      pending_.erase(0, at);
    }
    return count;
  }
  std::vector<double>& times() { return times_; }

 private:
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t size = ::write(child_.to, text.data(), text.size());
      if (size <= 0) std::exit(1);
      text.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  void note(std::string_view line) {
    if (line.find("\"result\"") == std::string_view::npos || line.find("isError") != line.npos) {
      std::fprintf(stderr, "not an answer: %.*s\n", static_cast<int>(line.size()), line.data());
      std::exit(1);
    }
    const auto at = line.rfind("\"id\":");
    if (line[at + 5] == '"') return;
    const auto id = std::strtoul(line.data() + at + 5, nullptr, 10);
    times_.push_back(seconds(Clock::now() - sent_[id]) * 1e6);
  }

  Child child_;
  std::string tail_;
  std::string pending_;
  std::array<char, 65536> block_{};
  std::vector<Clock::time_point> sent_;
  std::vector<double> times_;
};

double percentile(std::vector<double>& times, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), times.begin() + at, times.end());
  return times[static_cast<std::size_t>(at)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return std::fputs("usage: SECONDS WINDOW legacy|modern COMMAND…\n", stderr), 2;
  std::signal(SIGPIPE, SIG_IGN);
  const double limit = std::atof(argv[1]);
  const auto window = static_cast<std::size_t>(std::atoi(argv[2]));
  const bool modern = std::string_view(argv[3]) == "modern";

  const auto begin = Clock::now();
  const Child child = start(argv + 4);
  Driver driver(child, modern);
  if (modern) {
    driver.call(1);
    driver.readLines(1);
  } else {
    driver.handshake();
  }
  const double start_ms = seconds(Clock::now() - begin) * 1e3;
  for (int i = 0; i < 20; ++i) {  // warm, above all a runtime that compiles as it goes
    driver.call(window);
    driver.readLines(window);
  }
  driver.times().clear();

  const auto from = Clock::now();
  driver.call(window);
  std::size_t answered = 0;
  std::size_t in_flight = window;
  while (seconds(Clock::now() - from) < limit) {
    const std::size_t count = driver.readLines(1);
    answered += count;
    driver.call(count);
  }
  const double took = seconds(Clock::now() - from);
  driver.readLines(in_flight);
  ::close(child.to);
  int status = 0;
  rusage usage{};
  ::wait4(child.pid, &status, 0, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  std::printf(
      "{\"per_s\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"start_ms\":%.1f,\"cpu_s\":%.2f,"
      "\"rss_kb\":%ld}\n",
      static_cast<double>(answered) / took, percentile(driver.times(), 0.5),
      percentile(driver.times(), 0.99), start_ms, cpu, usage.ru_maxrss);
}
