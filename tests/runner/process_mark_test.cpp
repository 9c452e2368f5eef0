// The mark of a session on a process and on what it starts.
#include "server/runner/process_mark.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tutti::runner {
namespace {

/// A child that was marked and then became a program without environment, in a session of its own.
class Marked {
 public:
  Marked(const char* session_id, std::int64_t generation) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      markProcesses(session_id, generation);
      ::setsid();
      char name[] = "sleep";
      char time[] = "600";
      char* const words[] = {name, time, nullptr};
      char* const nothing[] = {nullptr};
      ::execve("/bin/sleep", words, nothing);
      ::_exit(1);
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 0);  // the exec closes it
    ::close(ready[0]);
  }
  ~Marked() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  int pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

TEST(ProcessMarkTest, OutlivesExecAndIsOfOneSessionUpToAGeneration) {
  const Marked process("ses_0123456789ab", 7);
  EXPECT_TRUE(hasMark(process.pid(), "ses_0123456789ab", 7));
  EXPECT_TRUE(hasMark(process.pid(), "ses_0123456789ab", 8));
  EXPECT_FALSE(hasMark(process.pid(), "ses_0123456789ab", 6));
  EXPECT_FALSE(hasMark(process.pid(), "ses_0123456789ac", 7));
}

TEST(ProcessMarkTest, HugeGenerationsAreTheLast) {
  const Marked process("ses_0123456789ab", std::int64_t{1} << 40);
  EXPECT_TRUE(hasMark(process.pid(), "ses_0123456789ab", std::int64_t{1} << 41));
  EXPECT_FALSE(hasMark(process.pid(), "ses_0123456789ab", 1));
}

TEST(ProcessMarkTest, AProcessWithoutAMarkAndOneThatIsGoneHaveNone) {
  EXPECT_FALSE(hasMark(::getpid(), "ses_0123456789ab", 1'000));
  EXPECT_FALSE(hasMark(-1, "ses_0123456789ab", 1'000));
}

}  // namespace
}  // namespace tutti::runner
