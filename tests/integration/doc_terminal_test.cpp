// `tutti doc push` and `pull` at a terminal: the line that shows how far they are, and Ctrl-C.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "server/base/fd.hpp"
#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(60);
constexpr const char* kCtrlC = "\x03";

/// `tutti` with a terminal of its own for its output and its signals, and a pipe as its input.
class AtTerminal {
 public:
  AtTerminal(const TempFolder& folder, std::vector<std::string> arguments, unsigned short columns,
             const std::vector<std::string>& environment = {}) {
    int input[2];
    if (::pipe2(input, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    std::vector<std::string> variables = {"HOME=" + folder.path().string(), "TERM=xterm",
                                          "TUTTI_DATA=" + (folder.path() / "data").string()};
    variables.insert(variables.end(), environment.begin(), environment.end());
    arguments.insert(arguments.begin(), std::getenv("TUTTI_BIN"));
    const auto words = pointers(arguments);
    const auto values = pointers(variables);
    const std::string start = folder.path().string();
    winsize size{24, columns, 0, 0};
    int terminal = -1;
    pid_ = ::forkpty(&terminal, nullptr, nullptr, &size);
    if (pid_ == 0) {
      if (::dup2(input[0], 0) == 0 && ::chdir(start.c_str()) == 0)
        ::execve(words[0], words.data(), values.data());
      ::_exit(127);
    }
    terminal_.reset(terminal);
    ::fcntl(terminal, F_SETFD, FD_CLOEXEC);
    ::close(input[0]);
    input_.reset(input[1]);
    ::fcntl(input[1], F_SETFL, O_NONBLOCK);
  }
  ~AtTerminal() {
    if (pid_ > 0 && !ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  AtTerminal(const AtTerminal&) = delete;
  AtTerminal& operator=(const AtTerminal&) = delete;

  void type(const std::string& keys) {
    EXPECT_EQ(::write(terminal_.get(), keys.data(), keys.size()), std::ssize(keys));
  }
  void endInput() { input_.reset(); }
  /// Feeds its input until the terminal shows `text`.
  void feedUntil(const std::string& text) {
    const std::string block(65'536, 'x');
    for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
      if (shown_.find(text) != std::string::npos) return;
      pollfd both[] = {{terminal_.get(), POLLIN, 0}, {input_.get(), POLLOUT, 0}};
      if (::poll(both, 2, 1'000) <= 0) continue;
      if (both[0].revents != 0 && !look()) break;
      if ((both[1].revents & POLLOUT) == 0) continue;
      const ssize_t wrote = ::write(input_.get(), block.data(), block.size());
      EXPECT_TRUE(wrote > 0 || errno == EAGAIN) << errno;
    }
    ADD_FAILURE() << "never shown: " << text << " in " << shown_;
  }
  /// What the terminal has shown up to the program's end.
  const std::string& rest() {
    for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
      pollfd readable{terminal_.get(), POLLIN, 0};
      if (::poll(&readable, 1, 1'000) > 0 && !look()) return shown_;
    }
    ADD_FAILURE() << "it does not end: " << shown_;
    return shown_;
  }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    for (std::string& word : words) all.push_back(word.data());
    all.push_back(nullptr);
    return all;
  }
  /// False at the end.
  bool look() {
    char block[4096];
    const ssize_t got = ::read(terminal_.get(), block, sizeof block);
    if (got > 0) shown_.append(block, static_cast<std::size_t>(got));
    return got > 0;
  }

  pid_t pid_ = -1;
  bool ended_ = false;
  Fd terminal_;
  Fd input_;
  std::string shown_;
};

constexpr const char* kErase = "\x1b[K";

/// The states of the line, each without what erases the one before.
std::vector<std::string> drawn(const std::string& shown) {
  std::vector<std::string> states;
  for (std::size_t at = 0; (at = shown.find('\r', at)) != std::string::npos; ++at) {
    const auto end = shown.find(kErase, at);
    if (end == std::string::npos) break;
    const std::string state = shown.substr(at + 1, end - at - 1);
    if (state.find('\n') == std::string::npos) states.push_back(state);
  }
  return states;
}

TEST(DocTerminalTest, CtrlCEndsAPushThatWaitsForMoreAndLeavesNothingButACleanLine) {
  TempFolder folder;
  AtTerminal push(folder, {"doc", "push", "--name", "large.bin"}, 80);
  push.feedUntil(kErase);
  push.type(kCtrlC);
  const std::string shown = push.rest();
  EXPECT_EQ(push.wait(), 130);
  const std::string end = std::string(kErase) + "\r\ntutti: interrupted\r\n";
  EXPECT_TRUE(shown.ends_with(end)) << shown;
  EXPECT_NE(drawn(shown).front().find("stdin  "), std::string::npos) << shown;
  EXPECT_EQ(runTutti(folder, {"doc", "ls"}).out, "no documents\n");
  const Ran checked = runTutti(folder, {"doctor", "--json"});
  EXPECT_EQ(Json::parse(checked.out)["findings"], Json::array()) << checked.out;
}

/// All that the line was while a push went on, to its end.
std::vector<std::string> statesOf(AtTerminal& push) {
  push.feedUntil(kErase);
  push.endInput();
  const std::string shown = push.rest();
  EXPECT_EQ(push.wait(), 0) << shown;
  std::vector<std::string> states = drawn(shown);
  EXPECT_FALSE(states.empty()) << shown;
  return states;
}

TEST(DocTerminalTest, ANarrowTerminalGetsALineThatFits) {
  for (const unsigned short columns : {12, 30, 50}) {
    TempFolder folder;
    AtTerminal push(folder, {"doc", "push", "--name", "large.bin"}, columns, {"NO_COLOR=1"});
    for (const std::string& state : statesOf(push)) {
      EXPECT_LT(state.size(), columns) << state;
      EXPECT_EQ(state.find('\x1b'), std::string::npos) << "no colours: " << state;
    }
  }
}

TEST(DocTerminalTest, ANameOfManyBytesIsCutBetweenItsSignsAndLeavesRoomForTheSize) {
  TempFolder folder;
  std::string name;
  for (int i = 0; i < 15; ++i) name += "\u00e4";
  std::filesystem::create_symlink("/dev/stdin", folder.path() / name);
  AtTerminal push(folder, {"doc", "push", "--name", "large.bin", name}, 20);
  for (const std::string& state : statesOf(push)) {
    EXPECT_TRUE(state.starts_with("\u00e4\u00e4\u00e4")) << state;
    EXPECT_TRUE(state.ends_with("B")) << state;
    EXPECT_NO_THROW((void)Json(state).dump()) << "no half sign: " << state;
  }
}

TEST(DocTerminalTest, NothingIsDrawnIntoContentThatATerminalShows) {
  TempFolder folder;
  ASSERT_EQ(
      runTutti(folder, {"doc", "push", folder.write("a.bin", std::string(8U << 20, 'x')).string()})
          .status,
      0);
  AtTerminal cat(folder, {"doc", "cat", "a.bin"}, 80);
  const std::string shown = cat.rest();
  EXPECT_EQ(cat.wait(), 0);
  EXPECT_EQ(shown.find(kErase), std::string::npos);
  EXPECT_EQ(shown.size(), 8U << 20);
}

TEST(DocTerminalTest, NoLineIsDrawnOnADumbTerminalOrWithoutOne) {
  TempFolder folder;
  AtTerminal dumb(folder,
                  {"doc", "push", folder.write("a.bin", std::string(8U << 20, 'x')).string()}, 80,
                  {"TERM=dumb"});
  EXPECT_EQ(dumb.rest().find('\x1b'), std::string::npos);
  EXPECT_EQ(dumb.wait(), 0);
  const Ran piped = runTutti(folder, {"doc", "push", (folder.path() / "a.bin").string()});
  EXPECT_EQ(piped.status, 0);
  EXPECT_EQ(piped.err, "");
}

}  // namespace
}  // namespace tutti::test
