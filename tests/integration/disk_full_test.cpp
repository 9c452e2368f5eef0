// A disk that fills up under a server at work, and has room again later.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {
namespace fs = std::filesystem;

constexpr int kStartsMax = 400;             ///< by then any of these disks is full
constexpr std::size_t kBulkBytes = 20'000;  ///< of each start's parameters
constexpr rlim_t kFileBytesMax = 600'000;
constexpr rlim_t kLogBytesMax = 8'192;  ///< enough to complain, too little for any commit

/// Starts `blueprint` with parameters that take room.
Json start(TuttiProcess& tutti, const std::string& blueprint) {
  return tutti.call("start_agent", {{"blueprint", blueprint},
                                    {"parameters", {{"bulk", std::string(kBulkBytes, 'x')}}}});
}

/// What happened while the disk was full.
struct Filled {
  std::vector<std::string> acknowledged;  ///< sessions
  Json error;
};

class DiskFullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    writeProgram(folder_, "quick", "echo 1");
    writeProgram(
        folder_, "gated",
        "echo waiting >&2\nwhile [ ! -e \"" + gate() + "\" ]; do sleep 0.02; done\necho 2");
  }
  std::string gate() const { return (folder_.path() / "go").string(); }

  static Filled startUntilRefused(TuttiProcess& tutti) {
    Filled filled;
    for (int i = 0; i < kStartsMax && filled.error.is_null(); ++i) {
      const Json handle = start(tutti, "quick");
      if (handle.contains("error"))
        filled.error = handle["error"];
      else
        filled.acknowledged.push_back(handle.value("session_id", ""));
    }
    return filled;
  }
  static std::string startGated(TuttiProcess& tutti) {
    const std::string id = start(tutti, "gated").value("session_id", "");
    const Json begun =
        tutti.call("get_events", {{"session_id", id}, {"types", {"progress"}}, {"wait_s", 50}});
    EXPECT_FALSE(begun.value("events", Json::array()).empty()) << begun.dump();
    return id;
  }
  /// Each of them has an end: its result, or the disk by name.
  static void expectEnds(TuttiProcess& tutti, const std::vector<std::string>& sessions) {
    for (const std::string& id : sessions) {
      const Json got = tutti.call("get_result", {{"session_id", id}, {"wait_s", 50}});
      ASSERT_TRUE(got.value("finished", false)) << got.dump().substr(0, 400);
      if (got.value("status", "") == "completed") continue;
      EXPECT_EQ(got.value("error", Json::object()).value("name", ""), "disk_full")
          << got.dump().substr(0, 400);
    }
  }
  /// From the full disk to the end: what is refused is named, what was acknowledged is kept.
  template <class MakeRoom>
  void expectItGoesOn(TuttiProcess& tutti, MakeRoom makeRoom, const std::string& gated) {
    Filled filled = startUntilRefused(tutti);
    EXPECT_EQ(filled.error.value("name", ""), "disk_full") << filled.error.dump();
    EXPECT_NE(filled.error.value("hint", ""), "") << filled.error.dump();
    EXPECT_TRUE(tutti.call("list_sessions").contains("sessions")) << "reading goes on";
    folder_.write("go", "");                  // a run ends while there is no room for its end
    const Json more = start(tutti, "quick");  // may be lucky with what a checkpoint has freed
    if (more.contains("session_id"))
      filled.acknowledged.push_back(more["session_id"].get<std::string>());
    else
      EXPECT_EQ(more["error"].value("name", ""), "disk_full") << more.dump();

    makeRoom();
    const Json last = start(tutti, "quick");
    ASSERT_TRUE(last.contains("session_id")) << last.dump();
    expectEnds(tutti, {last["session_id"].get<std::string>()});
    expectEnds(tutti, filled.acknowledged);
    const Json got = tutti.call("get_result", {{"session_id", gated}, {"wait_s", 50}});
    EXPECT_EQ(got.value("status", ""), "completed") << got.dump().substr(0, 400);
    EXPECT_EQ(got.value("result_data", Json()), 2);
    EXPECT_EQ(tutti.call("list_sessions", {{"limit", 100}}).value("sessions", Json()).size(),
              std::min<std::size_t>(100, filled.acknowledged.size() + 2));
  }

  TempFolder folder_;
};

TEST_F(DiskFullTest, AStoreThatMayNotGrowRefusesByNameLosesNothingAndGoesOn) {
  TuttiProcess tutti(folder_);
  const std::string gated = startGated(tutti);
  limitFiles(tutti, kFileBytesMax);
  expectItGoesOn(
      tutti, [&] { limitFiles(tutti, RLIM_INFINITY); }, gated);
}

TEST_F(DiskFullTest, ARunThatEndsWhileNothingCanBeStoredKeepsItsResult) {
  TuttiProcess tutti(folder_);
  const std::string gated = startGated(tutti);
  limitFiles(tutti, kLogBytesMax);
  folder_.write("go", "");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  // Until the outcome was tried, and more than once: the first attempt may be of its events alone.
  const auto runs = folder_.path() / "data" / "runs";
  while (countOf(tutti.errors(), "cannot store events") < 3 && !fs::is_empty(runs)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << tutti.errors();
    ::usleep(2'000);
  }
  EXPECT_EQ(tutti.call("get_status", {{"session_id", gated}})["session"].value("status", ""),
            "running");
  limitFiles(tutti, RLIM_INFINITY);
  const Json got = tutti.call("get_result", {{"session_id", gated}, {"wait_s", 50}});
  EXPECT_EQ(got.value("status", ""), "completed") << got.dump();
  EXPECT_EQ(got.value("result_data", Json()), 2);
  EXPECT_EQ(got.value("session_status", ""), "finished");
}

/// A mount table of its own with a small disk where the store is.
std::vector<std::string> onSmallDisk(const fs::path& data) {
  return {"/usr/bin/unshare",
          "--user",
          "--map-root-user",
          "--mount",
          "/bin/sh",
          "-c",
          "mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\"",
          data.string()};
}

bool canMount(const fs::path& data) {
  const std::string command =
      "/usr/bin/unshare --user --map-root-user --mount /bin/sh -c 'mount -t tmpfs -o size=4m tmpfs "
      "\"$0\"' '" +
      data.string() + "' 2> /dev/null";
  return std::system(command.c_str()) == 0;
}

/// Writes a file until nothing more fits.
void fillUp(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0) << path;
  const std::string block(4096, 'x');
  while (::write(fd, block.data(), block.size()) > 0) {
  }
  ::close(fd);
}

TEST_F(DiskFullTest, AFullDiskIsNamedNothingIsLostAndItGoesOn) {
  const fs::path data = folder_.path() / "data";
  fs::create_directories(data);
  if (!canMount(data)) GTEST_SKIP() << "no right to mount a small disk here";
  TuttiProcess tutti(folder_,
                     {.arguments = {"stdio"}, .environment = {}, .wrapper = onSmallDisk(data)});
  const std::string gated = startGated(tutti);
  // The server's view of its folders, from outside of its mount table.
  const fs::path ballast =
      fs::path("/proc/" + std::to_string(tutti.pid()) + "/root" + data.string()) / "ballast";
  fillUp(ballast);
  expectItGoesOn(
      tutti, [&] { fs::remove(ballast); }, gated);
}

}  // namespace
}  // namespace tutti::test
