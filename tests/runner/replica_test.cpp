// Replicas learn of each other's end, whether their folder can be watched or not.
#include "server/runner/replica.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>

#include "server/base/ids.hpp"
#include "server/base/log.hpp"

namespace tutti::runner {
namespace {
using namespace std::chrono_literals;
namespace fs = std::filesystem;

enum class Kernel { Watches, HasNoInstanceLeft };

class ReplicaTest : public ::testing::TestWithParam<Kernel> {
 protected:
  ReplicaTest() : folder_(fs::temp_directory_path() / ("tutti-replica-" + randomHex(6))) {
    log::configure(log::Level::Off);
  }
  ~ReplicaTest() override { fs::remove_all(folder_); }

  void join() {
    auto joined = Replica::join(io_, folder_);
    ASSERT_TRUE(joined.ok()) << joined.error().text();
    replica_ = std::move(*joined);
  }
  void watch() {
    const auto refuse = [] {
      errno = EMFILE;
      return -1;
    };
    folders_ = GetParam() == Kernel::Watches ? std::make_unique<store::FolderWatch>(io_)
                                             : std::make_unique<store::FolderWatch>(io_, refuse);
    const Status watching = replica_->watchDepartures(
        *folders_, [this](const std::string& id) { told_.push_back(id); });
    ASSERT_TRUE(watching.ok()) << watching.error().text();
  }
  /// Another replica in a process of its own; its lock is held when this returns.
  pid_t forkOther() {
    int ready[2];
    if (::pipe(ready) != 0) return -1;
    const pid_t pid = ::fork();
    if (pid == 0) {
      boost::asio::io_context io{1};
      const auto other = Replica::join(io, folder_);
      if (other.ok() && ::write(ready[1], "x", 1) == 1) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    return pid;
  }
  static void kill(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  std::string otherId() const {
    for (const auto& entry : fs::directory_iterator(folder_))
      if (entry.path().stem() != replica_->id()) return entry.path().stem();
    return {};
  }
  auto timesTold(const std::string& id) const { return std::count(told_.begin(), told_.end(), id); }
  bool runUntilTold(const std::string& id) {
    const auto deadline = std::chrono::steady_clock::now() + 1min;
    while (timesTold(id) == 0 && std::chrono::steady_clock::now() < deadline) {
      io_.restart();
      io_.run_one_for(50ms);
    }
    return timesTold(id) > 0;
  }
  /// Long enough for two looks of one that polls.
  void runOn() {
    io_.restart();
    io_.run_for(120ms);
  }

  fs::path folder_;
  boost::asio::io_context io_{1};
  std::unique_ptr<store::FolderWatch> folders_;
  std::unique_ptr<Replica> replica_;
  std::vector<std::string> told_;
};

TEST_P(ReplicaTest, TheDeathOfAnotherIsToldOnceByItsId) {
  join();
  watch();
  const pid_t other = forkOther();
  const std::string id = otherId();
  runOn();
  EXPECT_FALSE(replica_->isDead(id));
  EXPECT_EQ(timesTold(id), 0) << "it lives";
  kill(other);
  EXPECT_TRUE(runUntilTold(id));
  runOn();
  EXPECT_EQ(timesTold(id), 1);
  EXPECT_TRUE(replica_->isDead(id));
}

TEST_P(ReplicaTest, OneThatHadDiedBeforeIsNoNews) {
  join();
  kill(forkOther());
  watch();
  runOn();
  EXPECT_EQ(timesTold(otherId()), 0);
}

TEST_P(ReplicaTest, OneThatCameAndLeftAtOnceIsToldOf) {
  join();
  watch();
  std::string id;
  {
    const auto other = Replica::join(io_, folder_);
    ASSERT_TRUE(other.ok());
    id = (*other)->id();
  }
  EXPECT_TRUE(runUntilTold(GetParam() == Kernel::Watches ? id : ""));
  EXPECT_TRUE(replica_->isDead(id));
}

INSTANTIATE_TEST_SUITE_P(Kernels, ReplicaTest,
                         testing::Values(Kernel::Watches, Kernel::HasNoInstanceLeft),
                         [](const auto& test) {
                           return test.param == Kernel::Watches ? "watched" : "polled";
                         });

}  // namespace
}  // namespace tutti::runner
