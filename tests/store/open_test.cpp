// Opening: creation, migrations, and several processes doing it at the same moment.
#include <sys/stat.h>

#include <fstream>
#include <future>

#include "server/store/outstanding.hpp"
#include "tests/store/support.hpp"

namespace tutti::store {
namespace {

std::vector<Migration> versions(int count) {
  static const std::vector<Migration> all = {
      {1, "one", "CREATE TABLE one(x INTEGER)"},
      {2, "two", "CREATE TABLE two(x INTEGER); INSERT INTO two VALUES (1)"},
      {3, "three", "ALTER TABLE one ADD COLUMN y INTEGER; INSERT INTO two VALUES (2)"},
  };
  return {all.begin(), all.begin() + count};
}

mode_t modeOf(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(OpenTest, FolderAndFilesAreForThisUserAlone) {
  TempFolder folder;
  const mode_t before = ::umask(0);
  const auto place = folder.path() / "deep" / "store";
  const auto store = openStore(place);
  ASSERT_TRUE(store->writeAndWait(insertWord("one")).ok());
  ::umask(before);
  EXPECT_EQ(modeOf(place), 0700U);
  for (const auto& entry : std::filesystem::directory_iterator(place))
    EXPECT_EQ(modeOf(entry.path()), 0600U) << entry.path();
}

TEST(OpenTest, ADatabaseThatIsUpToDateIsOpenedWithoutAWrite) {
  TempFolder folder;
  ASSERT_NE(openStore(folder.path()), nullptr);
  const auto file = folder.path() / "tutti.db";
  const auto before = std::filesystem::last_write_time(file);
  const auto store = openStore(folder.path());
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "tutti.db-wal"), 0U);
  EXPECT_EQ(std::filesystem::last_write_time(file), before);
}

TEST(OpenTest, MissingMigrationsAreAppliedInOrderAndOnce) {
  TempFolder folder;
  ASSERT_NE(openStore(folder.path(), {}, versions(1)), nullptr);
  ASSERT_NE(openStore(folder.path(), {}, versions(3)), nullptr);
  ASSERT_NE(openStore(folder.path(), {}, versions(3)), nullptr);
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM two"), 2);
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM schema_migrations"), 3);
}

std::string numbersOutstanding(const std::filesystem::path& folder, int known) {
  const auto missing = outstandingMigrations(folder, versions(known));
  if (!missing.ok()) return std::string(missing.error().name());
  std::string numbers;
  for (const Migration& one : *missing) numbers += std::to_string(one.number) + " ";
  return numbers;
}

TEST(OpenTest, WhatADatabaseLacksIsToldWithoutTouchingIt) {
  TempFolder folder;
  std::ofstream(folder.path() / "tutti.db").flush();
  EXPECT_EQ(numbersOutstanding(folder.path(), 3), "1 2 3 ");
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "tutti.db"), 0U);
  ASSERT_NE(openStore(folder.path(), {}, versions(1)), nullptr);
  EXPECT_EQ(numbersOutstanding(folder.path(), 3), "2 3 ");
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM schema_migrations"), 1);
  EXPECT_EQ(numbersOutstanding(folder.path(), 1), "");
  ASSERT_NE(openStore(folder.path(), {}, versions(3)), nullptr);
  EXPECT_EQ(numbersOutstanding(folder.path(), 2), "database_too_new");
}

TEST(OpenTest, ADatabaseOfANewerProgramIsRefusedAndLeftAlone) {
  TempFolder folder;
  ASSERT_NE(openStore(folder.path(), {}, versions(3)), nullptr);
  const auto store = Store::open(folder.path(), versions(2));
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code(), Code::Conflict);
  EXPECT_EQ(store.error().name(), "database_too_new");
  EXPECT_NE(store.error().message().find("schema 3, this one knows 2"), std::string::npos);
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM schema_migrations"), 3);
}

TEST(OpenTest, AMigrationThatFailsLeavesWhatWasThereBefore) {
  TempFolder folder;
  ASSERT_NE(openStore(folder.path(), {}, versions(1)), nullptr);
  auto broken = versions(1);
  broken.push_back({2, "broken", "CREATE TABLE half(x); SELECT nonsense FROM nowhere"});
  const auto failed = Store::open(folder.path(), broken);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().name(), "database_error");
  EXPECT_NE(openStore(folder.path(), {}, versions(3)), nullptr);
}

TEST(OpenTest, ACreationThatFailsLeavesNoDatabase) {
  TempFolder folder;
  const std::vector<Migration> broken = {{1, "broken", "CREATE NONSENSE"}};
  ASSERT_FALSE(Store::open(folder.path(), broken).ok());
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "tutti.db"));
  EXPECT_NE(openStore(folder.path(), {}, versions(3)), nullptr);
}

TEST(OpenTest, AFileThatIsNoDatabaseIsDamagedAndSaysWhatToDo) {
  TempFolder folder;
  const auto file = folder.path() / "tutti.db";
  std::FILE* out = std::fopen(file.c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is not a database\n", out);
  std::fclose(out);
  const auto store = Store::open(folder.path(), itemTable());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().name(), "database_corrupt");
  EXPECT_NE(store.error().hint().find("backup"), std::string::npos);
}

TEST(OpenTest, AFolderThatIsAFileIsAnError) {
  TempFolder folder;
  const auto file = folder.path() / "file";
  std::fclose(std::fopen(file.c_str(), "w"));
  EXPECT_FALSE(Store::open(file, itemTable()).ok());
  EXPECT_FALSE(Store::open(file / "below", itemTable()).ok());
}

/// Lets several processes do the same at the same moment.
int failuresOfMany(int count, const std::function<int()>& body) {
  int gate[2];
  if (::pipe(gate) != 0) return -1;
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    children.push_back(forkChild([&] {
      ::close(gate[1]);
      char byte = 0;
      if (::read(gate[0], &byte, 1) != 0) return 97;  // ends when the parent closes its end
      return body();
    }));
  }
  ::close(gate[0]);
  ::close(gate[1]);
  int failures = 0;
  for (const pid_t child : children) failures += exitStatusOf(child) == 0 ? 0 : 1;
  return failures;
}

TEST(OpenTest, ManyProcessesCreateTheSameDatabaseAtOnceAndAllSucceed) {
  for (int round = 0; round < 10; ++round) {
    TempFolder folder;
    const int failures = failuresOfMany(6, [&] {
      const auto store = Store::open(folder.path(), versions(3));
      if (!store.ok()) return 1;
      const Status written = (*store)->writeAndWait([](Tx& tx) {
        Statement(tx, "INSERT INTO one(x, y) VALUES (1, 2)").run();
        return ok();
      });
      return written.ok() ? 0 : 2;
    });
    ASSERT_EQ(failures, 0) << "round " << round;
    EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM schema_migrations"), 3);
    EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM one"), 6);
    EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM two"), 2);
  }
}

TEST(OpenTest, ManyProcessesMigrateTheSameDatabaseAtOnceAndEachStepHappensOnce) {
  for (int round = 0; round < 10; ++round) {
    TempFolder folder;
    ASSERT_NE(openStore(folder.path(), {}, versions(1)), nullptr);
    const int failures =
        failuresOfMany(6, [&] { return Store::open(folder.path(), versions(3)).ok() ? 0 : 1; });
    ASSERT_EQ(failures, 0) << "round " << round;
    EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM two"), 2);
  }
}

TEST(OpenTest, TwoStoresOfOneProcessShareAFolder) {
  TempFolder folder;
  const auto first = openStore(folder.path());
  {
    const auto second = openStore(folder.path());
    ASSERT_TRUE(second->writeAndWait(insertWord("second")).ok());
  }
  ASSERT_TRUE(first->writeAndWait(insertWord("first")).ok());
  EXPECT_EQ(countFrom(folder.path()), 2);
}

}  // namespace
}  // namespace tutti::store
