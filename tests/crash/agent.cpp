#include "tests/crash/agent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

namespace tutti::crash {
namespace {

constexpr int kExitFailed = 3;
constexpr int kLeftBehindMs = 60'000;

std::map<std::string, std::string, std::less<>> readArguments(int argc, char** argv) {
  std::map<std::string, std::string, std::less<>> words;
  for (int at = 1; at < argc; ++at) {
    const std::string_view word = argv[at];
    if (!word.starts_with("--")) continue;
    const bool has_value = at + 1 < argc && !std::string_view(argv[at + 1]).starts_with("--");
    words.emplace(word.substr(2), has_value ? argv[at + 1] : "");
  }
  return words;
}

/// One write, so that lines of several processes never mix.
void say(int fd, const std::string& line) {
  if (::write(fd, line.data(), line.size()) < 0) std::_Exit(1);
}

void leaveChild() {
  if (::fork() != 0) return;
  ::setsid();
  ::poll(nullptr, 0, kLeftBehindMs);
  std::_Exit(0);
}

}  // namespace

int runAgent(int argc, char** argv) {
  auto words = readArguments(argc, argv);
  const std::string tag = words["tag"];
  if (const std::string starts = words["starts"]; !starts.empty()) {
    const int fd = ::open(starts.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    say(fd, tag + "\n");
    ::close(fd);
  }
  if (words.contains("leave")) leaveChild();
  const int lines = std::atoi(words["lines"].c_str());
  for (int line = 1; line <= lines; ++line) {
    say(STDERR_FILENO, tag + " " + std::to_string(line) + "\n");
    ::poll(nullptr, 0, std::atoi(words["pause_ms"].c_str()));  // its work takes this long
  }
  if (words.contains("fail")) return kExitFailed;
  say(STDOUT_FILENO, "{\"tag\":\"" + tag + "\",\"lines\":" + std::to_string(lines) + "}\n");
  return 0;
}

}  // namespace tutti::crash
