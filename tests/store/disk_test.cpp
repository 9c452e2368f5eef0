// Disks that are full and disks that lie.
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tests/store/support.hpp"

namespace tutti::store {
namespace {

Store::Work insertBytes(const std::string& word, std::size_t size) {
  return [word, size](Tx& tx) {
    Statement(tx, "INSERT INTO items(word, by) VALUES (?, ?)", word, std::string(size, 'x')).run();
    return ok();
  };
}

/// Writes until one fails; how many succeeded, and the failure.
struct Filled {
  int count = 0;
  Status end = ok();
};
Filled fill(Store& store, int count_max) {
  Filled filled;
  for (int i = 0; i < count_max && filled.end.ok(); ++i) {
    filled.end = store.writeAndWait(insertBytes("fill" + std::to_string(i), 20'000));
    if (filled.end.ok()) ++filled.count;
  }
  return filled;
}

TEST(DiskTest, AFullDatabaseIsNamedHarmsNoNeighbourAndIsWritableWhenThereIsRoom) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  const auto limitPages = [&](const std::string& pages) {
    return store->writeAndWait([&](Tx& tx) {
      tx.execute("PRAGMA max_page_count = " + pages);
      return ok();
    });
  };
  ASSERT_TRUE(limitPages("40").ok());
  const Filled filled = fill(*store, 100);
  ASSERT_FALSE(filled.end.ok());
  EXPECT_EQ(filled.end.error().code(), Code::ResourceExhausted);
  EXPECT_EQ(filled.end.error().name(), "disk_full");
  EXPECT_EQ(countFrom(folder.path()), filled.count);
  EXPECT_FALSE(store->writeAndWait(insertBytes("still full", 50'000)).ok());
  EXPECT_TRUE(store->readAndWait([](Tx&) { return ok(); }).ok());
  ASSERT_TRUE(limitPages("100000").ok());
  EXPECT_TRUE(store->writeAndWait(insertBytes("room", 50'000)).ok());
  EXPECT_EQ(countFrom(folder.path()), filled.count + 1);
}

/// Exit status of a child: which step went wrong.
int fillUnderAFileSizeLimit(const std::filesystem::path& folder) {
  ::signal(SIGXFSZ, SIG_IGN);
  const auto store = openStore(folder);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = 300'000;
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
  for (int round = 0; round < 4; ++round) {  // a full disk does not wedge, however often
    const Filled filled = fill(*store, 1000);
    if (filled.end.ok() || filled.end.error().name() != "disk_full") return 2;
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (!store->writeAndWait([](Tx& tx) { return tx.execute("DELETE FROM items"), ok(); }).ok())
      return 3;
    limit.rlim_cur = 300'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  return 0;
}

TEST(DiskTest, AFileSizeLimitIsAFullDiskAndDoesNotWedge) {
  TempFolder folder;
  EXPECT_EQ(exitStatusOf(forkChild([&] { return fillUnderAFileSizeLimit(folder.path()); })), 0);
}

constexpr int kNoMount = 77;

/// A mount table of this process's own, as root or as root of a user namespace.
bool ownMounts() {
  const std::string map = "0 " + std::to_string(::getuid()) + " 1";
  if (::unshare(CLONE_NEWNS) == 0) return true;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  std::FILE* file = std::fopen("/proc/self/uid_map", "w");
  if (file == nullptr) return false;
  std::fputs(map.c_str(), file);
  return std::fclose(file) == 0;
}

int fillASmallDisk(const std::filesystem::path& folder) {
  if (!ownMounts()) return kNoMount;
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=1m") != 0) return kNoMount;
  std::FILE* ballast = std::fopen((folder / "ballast").c_str(), "w");
  if (ballast == nullptr) return kNoMount;
  for (int i = 0; i < 200; ++i) std::fputs(std::string(1000, 'x').c_str(), ballast);
  std::fclose(ballast);
  const auto store = openStore(folder);
  const Filled filled = fill(*store, 1000);
  if (filled.end.ok() || filled.end.error().name() != "disk_full") return 2;
  if (countFrom(folder) != filled.count) return 3;
  if (fill(*store, 1).end.ok()) return 4;
  std::filesystem::remove(folder / "ballast");
  if (!store->writeAndWait(insertWord("there is room")).ok()) return 5;
  return 0;
}

TEST(DiskTest, AFullDiskIsNamedAndWritesGoOnWhenThereIsRoom) {
  TempFolder folder;
  const int status = exitStatusOf(forkChild([&] { return fillASmallDisk(folder.path()); }));
  if (status == kNoMount) GTEST_SKIP() << "no right to mount a small disk here";
  EXPECT_EQ(status, 0);
}

/// SQLite over a disk whose syncs and writes of the WAL fail on demand.
class FaultyDisk {
 public:
  FaultyDisk() {
    sqlite3_initialize();
    real_ = sqlite3_vfs_find(nullptr);
    faulty_ = *real_;
    faulty_.zName = "faulty";
    faulty_.xOpen = &FaultyDisk::open;
    sqlite3_vfs_register(&faulty_, 1);
    sync_fails = false;
    write_fails = false;
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&faulty_);
    sqlite3_vfs_register(real_, 1);
  }
  static std::atomic<bool> sync_fails;
  static std::atomic<bool> write_fails;

 private:
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    const int code = real_->xOpen(real_, name, file, flags, out);
    if (code != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return code;
    real_methods_ = file->pMethods;
    static sqlite3_io_methods methods;
    methods = *real_methods_;
    methods.xSync = [](sqlite3_file* wal, int how) {
      errno = EIO;
      return sync_fails ? SQLITE_IOERR_FSYNC : real_methods_->xSync(wal, how);
    };
    methods.xWrite = [](sqlite3_file* wal, const void* bytes, int size, sqlite3_int64 at) {
      errno = EIO;
      return write_fails ? SQLITE_IOERR_WRITE : real_methods_->xWrite(wal, bytes, size, at);
    };
    file->pMethods = &methods;
    return code;
  }

  static sqlite3_vfs* real_;
  static const sqlite3_io_methods* real_methods_;
  sqlite3_vfs faulty_{};
};
std::atomic<bool> FaultyDisk::sync_fails{false};
std::atomic<bool> FaultyDisk::write_fails{false};
sqlite3_vfs* FaultyDisk::real_ = nullptr;
const sqlite3_io_methods* FaultyDisk::real_methods_ = nullptr;

TEST(DiskTest, AfterAFailedSyncTheStoreRefusesWritesUntilItIsOpenedAnew) {
  TempFolder folder;
  FaultyDisk disk;
  auto store = openStore(folder.path());
  ASSERT_TRUE(store->writeAndWait(insertWord("before")).ok());
  FaultyDisk::sync_fails = true;
  const Status failed = store->writeAndWait(insertWord("lost"));
  FaultyDisk::sync_fails = false;
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().name(), "database_error");
  const Status refused = store->writeAndWait(insertWord("refused"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::Unavailable);
  EXPECT_EQ(refused.error().name(), "store_failed");
  EXPECT_TRUE(store->readAndWait([](Tx&) { return ok(); }).ok());
  store.reset();
  store = openStore(folder.path());
  EXPECT_TRUE(store->writeAndWait(insertWord("after")).ok());
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM items WHERE word = 'refused'"), 0);
}

TEST(DiskTest, OneFailedCommitIsForgivenTwoInARowAreNot) {
  TempFolder folder;
  FaultyDisk disk;
  const auto store = openStore(folder.path());
  for (int i = 0; i < 2; ++i) {
    FaultyDisk::write_fails = true;
    const Status failed = store->writeAndWait(insertWord("lost"));
    FaultyDisk::write_fails = false;
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().name(), "database_error");
    EXPECT_TRUE(store->writeAndWait(insertWord("kept" + std::to_string(i))).ok());
  }
  FaultyDisk::write_fails = true;
  EXPECT_EQ(store->writeAndWait(insertWord("one")).error().name(), "database_error");
  EXPECT_EQ(store->writeAndWait(insertWord("two")).error().name(), "database_error");
  FaultyDisk::write_fails = false;
  EXPECT_EQ(store->writeAndWait(insertWord("three")).error().name(), "store_failed");
  EXPECT_EQ(countFrom(folder.path()), 2);
}

TEST(DatabaseErrorTest, EachKindHasItsNameAndCode) {
  const auto errorOf = [](int code) { return DatabaseError(code, "text").toError(); };
  EXPECT_EQ(errorOf(SQLITE_FULL).name(), "disk_full");
  EXPECT_EQ(errorOf(SQLITE_BUSY_RECOVERY).name(), "database_locked");
  EXPECT_EQ(errorOf(SQLITE_LOCKED).code(), Code::Unavailable);
  EXPECT_EQ(errorOf(SQLITE_CORRUPT_INDEX).name(), "database_corrupt");
  EXPECT_EQ(errorOf(SQLITE_IOERR_READ).name(), "database_error");
  EXPECT_EQ(errorOf(SQLITE_IOERR_READ).message(), "the store failed: text, SQLite code 266");
}

}  // namespace
}  // namespace tutti::store
