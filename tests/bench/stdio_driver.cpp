// bench_stdio_driver SECONDS WINDOW legacy|modern|legacy-list|modern-list COMMAND…: starts an MCP
// server on pipes, keeps WINDOW echo calls (or tools/list) in flight and prints
// {"per_s":…,"p50_us":…,"p99_us":…,"start_ms":…,"cpu_s":…,"rss_kb":…}.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
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

/// What surrounds the id in each answer of this server. All calls are alike, so all answers are,
/// and comparing with the first one is both the strictest check and the cheapest.
struct Answer {
  std::string before;
  std::string after;
};

/// Kept cheap, so that a fast server is not held back by who measures it: the requests differ in
/// their id only, and the clock is read once a block.
class Driver {
 public:
  Driver(const Child& child, bool modern, bool list) : child_(child) {
    tail_ = list ? R"(,"method":"tools/list","params":{)"
                 : R"(,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"})";
    if (modern && !list) tail_ += ',';
    if (modern)
      tail_ += R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
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
    constexpr std::string_view head = "{\"jsonrpc\":\"2.0\",\"id\":";
    requests_.clear();
    const auto now = Clock::now();
    for (std::size_t i = 0; i < count; ++i, ++next_id_) {
      std::array<char, 20> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), next_id_).ptr;
      requests_.append(head).append(digits.data(), end).append(tail_);
      sent_[next_id_ % kSentMax] = now;
    }
    send(requests_);
  }
  /// Waits for at least `least` answers and says how many came. Notes how long each took.
  std::size_t readLines(std::size_t least) {
    std::size_t count = 0;
    while (count < least) {
      const ssize_t size = ::read(child_.from, block_.data() + kept_, block_.size() - kept_);
      if (size <= 0) {
        std::fputs("the server has gone\n", stderr);
        std::exit(1);
      }
      now_ = Clock::now();
      const std::string_view text(block_.data(), kept_ + static_cast<std::size_t>(size));
      std::size_t at = 0;
      for (auto end = text.find('\n', kept_); end != text.npos; end = text.find('\n', at)) {
        note(text.substr(at, end - at));
        at = end + 1;
        ++count;
      }
      kept_ = text.size() - at;
      std::memmove(block_.data(), block_.data() + at, kept_);
    }
    return count;
  }
  std::vector<double>& times() { return times_; }

 private:
  static constexpr std::size_t kSentMax = 4096;  // above any window

  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t size = ::write(child_.to, text.data(), text.size());
      if (size <= 0) std::exit(1);
      text.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  void note(std::string_view line) {
    const std::size_t fixed = answer_.before.size() + answer_.after.size();
    const bool alike = fixed > 0 && line.size() > fixed && line.starts_with(answer_.before) &&
                       line.ends_with(answer_.after);
    if (!alike && !learn(line)) return;
    const char* const id_text = line.data() + answer_.before.size();
    const char* const id_end = line.data() + line.size() - answer_.after.size();
    std::size_t id = 0;
    const auto read = std::from_chars(id_text, id_end, id);
    if (read.ec != std::errc{} || read.ptr != id_end || id >= next_id_) fail(line);
    times_.push_back(seconds(now_ - sent_[id % kSentMax]) * 1e6);
  }
  /// Looks at the first answer to a call; nothing to learn from the handshake's.
  bool learn(std::string_view line) {
    const auto at = line.rfind("\"id\":");
    if (line.find("\"result\"") == line.npos || line.find("isError") != line.npos ||
        at == line.npos)
      fail(line);
    if (line[at + 5] == '"') return false;
    if (!answer_.before.empty()) fail(line);
    const auto end = line.find_first_not_of("0123456789", at + 5);
    answer_ = {std::string(line.substr(0, at + 5)), std::string(line.substr(end))};
    return true;
  }
  [[noreturn]] static void fail(std::string_view line) {
    std::fprintf(stderr, "not an answer: %.*s\n", static_cast<int>(line.size()), line.data());
    std::exit(1);
  }

  Child child_;
  std::string tail_;
  std::string requests_;
  std::array<char, 1 << 20> block_{};
  std::size_t kept_ = 0;  // bytes of an unfinished line at the start of the block
  Answer answer_;
  std::array<Clock::time_point, kSentMax> sent_{};
  std::size_t next_id_ = 0;
  Clock::time_point now_;
  std::vector<double> times_;
};

double percentile(std::vector<double>& times, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
  std::nth_element(times.begin(), times.begin() + at, times.end());
  return times[static_cast<std::size_t>(at)];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5)
    return std::fputs("usage: SECONDS WINDOW legacy|modern[-list] COMMAND…\n", stderr), 2;
  std::signal(SIGPIPE, SIG_IGN);
  const double limit = std::atof(argv[1]);
  const auto window = static_cast<std::size_t>(std::atoi(argv[2]));
  const std::string_view kind = argv[3];
  const bool modern = kind.starts_with("modern");

  const auto begin = Clock::now();
  const Child child = start(argv + 4);
  const auto owned = std::make_unique<Driver>(child, modern, kind.ends_with("-list"));
  Driver& driver = *owned;
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
