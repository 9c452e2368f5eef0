// One instance of inotify for many folders, and what is said when there is none.
#include "server/store/folder_watch.hpp"

#include <sys/inotify.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <fstream>

#include "server/base/log.hpp"
#include "tests/store/support.hpp"

namespace tutti::store {
namespace {
using Changes = FolderWatch::Changes;
using Names = std::vector<std::string>;

class FolderWatchTest : public ::testing::Test {
 protected:
  FolderWatch::Watch watch(const std::filesystem::path& folder, Changes changes, Names& into) {
    auto made = folders_.watch(folder, changes, [&into](std::span<const std::string_view> names) {
      into.insert(into.end(), names.begin(), names.end());
    });
    EXPECT_TRUE(made.ok());
    return made.ok() ? std::move(*made) : FolderWatch::Watch();
  }
  static void write(const std::filesystem::path& path) { std::ofstream(path) << "x"; }
  /// What the kernel has reported by now.
  void runReady() {
    io_.restart();
    while (io_.poll() > 0) {
    }
  }

  TempFolder a_;
  TempFolder b_;
  int opened_ = 0;
  boost::asio::io_context io_{1};
  FolderWatch folders_{io_, [this] {
                         ++opened_;
                         return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
                       }};
};

TEST_F(FolderWatchTest, ManyFoldersTakeOneInstanceAndEachHearsItsOwn) {
  EXPECT_EQ(opened_, 0) << "none before it is needed";
  Names in_a;
  Names in_b;
  const auto watch_a = watch(a_.path(), Changes::Written, in_a);
  const auto watch_b = watch(b_.path(), Changes::Closed, in_b);
  EXPECT_EQ(opened_, 1);
  write(a_.path() / "one");
  write(b_.path() / "two");
  std::filesystem::remove(b_.path() / "two");
  runReady();
  EXPECT_EQ(in_a, (Names{"one", "one"})) << "made, and written";
  EXPECT_EQ(in_b, (Names{"two", "two"})) << "closed, and removed";
}

TEST_F(FolderWatchTest, AWatchThatHasEndedHearsNothingThoughEventsWereWaiting) {
  Names in_a;
  Names in_b;
  auto watch_a = watch(a_.path(), Changes::Written, in_a);
  const auto watch_b = watch(b_.path(), Changes::Written, in_b);
  write(a_.path() / "one");
  write(b_.path() / "two");
  watch_a = {};
  runReady();
  EXPECT_TRUE(in_a.empty());
  EXPECT_FALSE(in_b.empty());
}

TEST_F(FolderWatchTest, ACallbackMayEndItsOwnWatchAndTheWholeThing) {
  auto folders = std::make_unique<FolderWatch>(io_);
  FolderWatch::Watch own;
  int calls = 0;
  auto made = folders->watch(a_.path(), Changes::Written, [&](std::span<const std::string_view>) {
    ++calls;
    own = {};
    folders.reset();
  });
  ASSERT_TRUE(made.ok());
  own = std::move(*made);
  write(a_.path() / "one");
  runReady();
  write(a_.path() / "two");
  runReady();
  EXPECT_EQ(calls, 1);
}

TEST_F(FolderWatchTest, AFolderCanBeWatchedOnceAndAgainAfterItsWatchHasEnded) {
  Names names;
  {
    const auto first = watch(a_.path(), Changes::Written, names);
    EXPECT_FALSE(folders_.watch(a_.path(), Changes::Written, [](auto) {}).ok());
  }
  const auto second = watch(a_.path(), Changes::Written, names);
  write(a_.path() / "one");
  runReady();
  EXPECT_FALSE(names.empty());
}

TEST_F(FolderWatchTest, ALimitOfTheKernelIsToldApartFromAFolderThatIsNotThere) {
  log::configure(log::Level::Off);
  const auto missing = folders_.watch(a_.path() / "no", Changes::Written, [](auto) {});
  ASSERT_FALSE(missing.ok());
  EXPECT_FALSE(isWatchLimit(missing.error()));
  for (const int reason : {EMFILE, ENFILE, ENOMEM}) {
    FolderWatch none(io_, [reason] {
      errno = reason;
      return -1;
    });
    const auto refused = none.watch(a_.path(), Changes::Written, [](auto) {});
    ASSERT_FALSE(refused.ok());
    EXPECT_TRUE(isWatchLimit(refused.error()));
    EXPECT_EQ(refused.error().code(), Code::ResourceExhausted);
    EXPECT_EQ(refused.error().hint(), "raise fs.inotify.max_user_instances with sysctl");
  }
}

}  // namespace
}  // namespace tutti::store
