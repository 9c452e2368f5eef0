#include "tests/fakes/claude/wire.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <random>

namespace fake_claude {

std::optional<std::string> Lines::pop() {
  if (queue_.empty()) return std::nullopt;
  std::string line = std::move(queue_.front());
  queue_.pop_front();
  return line;
}

std::optional<std::string> Lines::next(int wait_ms) {
  while (queue_.empty() && !ended_) {
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    const int ready = poll(&waiting, 1, wait_ms);
    if (ready == 0) return std::nullopt;
    std::array<char, 65536> bytes{};
    const ssize_t size = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      ended_ = true;
      break;
    }
    partial_.append(bytes.data(), static_cast<std::size_t>(size));
    for (std::size_t end = partial_.find('\n'); end != std::string::npos;
         end = partial_.find('\n')) {
      if (end != 0) queue_.push_back(partial_.substr(0, end));
      partial_.erase(0, end + 1);
    }
  }
  return pop();
}

void writeRaw(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(STDOUT_FILENO, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) std::_Exit(1);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

void writeRecord(const Json& record) {
  writeRaw(record.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string makeUuid() {
  static std::mt19937_64 random{std::random_device{}()};
  const std::string pattern = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx";
  std::string uuid;
  for (const char c : pattern) uuid += c == 'x' ? "0123456789abcdef"[random() & 15U] : c;
  return uuid;
}

}  // namespace fake_claude
