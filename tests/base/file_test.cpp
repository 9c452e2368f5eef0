// Files: bounded reading, writing that never leaves half a file, and locks that die with their
// process.
#include "server/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "server/base/ids.hpp"

namespace tutti {
namespace {
namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tutti-file-test-" + randomHex(6));
    ASSERT_TRUE(makeFolder(folder_).ok());
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(FileTest, WhatIsWrittenIsRead) {
  const fs::path path = folder_ / "a";
  const std::string content("x\0y\n", 4);
  ASSERT_TRUE(writeFileDurably(path, content).ok());
  EXPECT_EQ(readFile(path, 4).value(), content);
  ASSERT_TRUE(writeFileDurably(path, "").ok());
  EXPECT_EQ(readFile(path, 0).value(), "");
  EXPECT_EQ(entries(), 1U) << "a temporary file was left";
}

TEST_F(FileTest, FilesAndFoldersAreForThisUserAlone) {
  ASSERT_TRUE(writeFileDurably(folder_ / "a", "secret").ok());
  struct stat info {};
  ASSERT_EQ(::stat((folder_ / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(folder_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(FileTest, MissingFileIsNotFound) {
  const auto result = readFile(folder_ / "none", 10);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::NotFound);
  EXPECT_EQ(result.error().message(), "file '" + (folder_ / "none").string() + "' not found");
}

TEST_F(FileTest, FileAboveTheLimitIsRefused) {
  ASSERT_TRUE(writeFileDurably(folder_ / "a", "12345").ok());
  EXPECT_TRUE(readFile(folder_ / "a", 5).ok());
  const auto result = readFile(folder_ / "a", 4);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), Code::ResourceExhausted);
  EXPECT_EQ(readFile("/dev/zero", 1'000'000).error().code(), Code::ResourceExhausted);
}

TEST_F(FileTest, FolderInPlaceOfAFileIsAnError) {
  EXPECT_EQ(readFile(folder_, 10).error().name(), "io_error");
  const Status written = writeFileDurably(folder_, "x");
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().name(), "io_error");
}

TEST_F(FileTest, FailedWriteLeavesTheOldContentAndNoRubbish) {
  EXPECT_EQ(writeFileDurably(folder_ / "no/such/a", "x").error().name(), "io_error");
  const fs::path path = folder_ / "target";
  ASSERT_TRUE(makeFolder(path / "inside").ok());  // a full folder cannot be renamed over
  EXPECT_FALSE(writeFileDurably(path, "x").ok());
  EXPECT_TRUE(fs::is_directory(path / "inside"));
  EXPECT_EQ(entries(), 1U) << "a temporary file was left";
}

TEST_F(FileTest, FullDiskIsNamedAndLeavesNoRubbish) {
  EXPECT_EQ(ioError(ENOSPC, "write", "a").name(), "disk_full");
  EXPECT_EQ(ioError(EDQUOT, "write", "a").code(), Code::ResourceExhausted);
  EXPECT_EQ(ioError(EFBIG, "write", "a").name(), "disk_full");
  const Error other = ioError(EACCES, "open", "/x/y");
  EXPECT_EQ(other.code(), Code::Internal);
  EXPECT_EQ(other.message(), "cannot open '/x/y': Permission denied");
  EXPECT_EQ(errnoText(ENOSPC), "No space left on device");
}

TEST_F(FileTest, ReaderSeesTheOldFileOrTheNewNeverHalf) {
  const fs::path path = folder_ / "a";
  const std::string first(100'000, 'a');
  const std::string second(100'000, 'b');
  ASSERT_TRUE(writeFileDurably(path, first).ok());
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (int i = 0; i < 20; ++i)
      if (!writeFileDurably(path, i % 2 == 0 ? second : first).ok()) ::_exit(1);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    const auto seen = readFile(path, 1'000'000);
    ASSERT_TRUE(seen.ok());
    EXPECT_TRUE(*seen == first || *seen == second) << seen->size();
  }
  EXPECT_EQ(status, 0);
}

TEST_F(FileTest, FoldersAreMadeWithTheirParentsAndExistingOnesAreFine) {
  ASSERT_TRUE(makeFolder(folder_ / "a/b/c").ok());
  EXPECT_TRUE(fs::is_directory(folder_ / "a/b/c"));
  EXPECT_TRUE(makeFolder(folder_ / "a/b/c").ok());
  EXPECT_TRUE(makeFolder("").ok());
  ASSERT_TRUE(writeFileDurably(folder_ / "file", "").ok());
  EXPECT_FALSE(makeFolder(folder_ / "file").ok());
  EXPECT_FALSE(makeFolder(folder_ / "file/below").ok());
}

TEST_F(FileTest, LockHasOneHolderAndIsFreedWithIt) {
  const fs::path path = folder_ / "lock";
  auto held = tryLockFile(path);
  ASSERT_TRUE(held.ok());
  ASSERT_TRUE(static_cast<bool>(*held));
  const auto refused = tryLockFile(path);
  ASSERT_TRUE(refused.ok()) << "held by another is no error";
  EXPECT_FALSE(static_cast<bool>(*refused));
  held->reset();
  const auto again = tryLockFile(path);
  EXPECT_TRUE(static_cast<bool>(*again));
  EXPECT_FALSE(tryLockFile(folder_ / "none/lock").ok());
}

TEST_F(FileTest, LockOfAKilledProcessIsFree) {
  const fs::path path = folder_ / "lock";
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = tryLockFile(path);
    const char sign = held.ok() && *held ? 'y' : 'n';
    if (::write(ready[1], &sign, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char sign = 0;
  ASSERT_EQ(::read(ready[0], &sign, 1), 1);
  EXPECT_EQ(sign, 'y');
  EXPECT_FALSE(static_cast<bool>(*tryLockFile(path)));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(static_cast<bool>(*tryLockFile(path)));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FdTest, OneOwnerCloses) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  {
    Fd first(ends[0]);
    Fd second(std::move(first));
    EXPECT_FALSE(static_cast<bool>(first));
    EXPECT_EQ(second.get(), ends[0]);
    first = std::move(second);
    EXPECT_EQ(first.get(), ends[0]);
  }
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), -1);
  Fd kept(ends[1]);
  EXPECT_EQ(kept.release(), ends[1]);
  EXPECT_NE(::fcntl(ends[1], F_GETFD), -1);
  ::close(ends[1]);
}

}  // namespace
}  // namespace tutti
