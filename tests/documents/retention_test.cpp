// Which versions go: by number, by age, by size; when a newer one comes, and when it is swept.
#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

class RetentionTest : public DocumentsTest {
 protected:
  void openWith(Retention retention) {
    ServiceOptions options;
    options.retention = retention;
    open(options);
  }
  std::string pushVersions(int count, std::size_t bytes) {
    const auto pushed = push("a.txt", std::string(bytes, 'a'));
    EXPECT_TRUE(pushed.ok()) << pushed.error().text();
    for (int i = 1; i < count; ++i)
      EXPECT_TRUE(write(pushed->id, std::string(bytes, static_cast<char>('a' + i))).ok());
    return pushed->id;
  }
  /// As if those versions had been made long ago.
  void age(std::int64_t up_to_version) {
    const Status aged = store->writeAndWait([&](store::Tx& tx) {
      for (const std::string table : {"document_versions", "document_versions_superseded"})
        store::execute(tx,
                       "UPDATE " + table +
                           " SET created_at = '2020-01-01T00:00:00.000000+00:00'"
                           " WHERE version <= ?",
                       up_to_version);
      return ok();
    });
    ASSERT_TRUE(aged.ok()) << aged.error().text();
  }
  std::vector<std::int64_t> versionsOf(const std::string& id) {
    const auto page = await<VersionPage>([&](auto done) {
      service->versions({}, {id, {}}, "", 100, done);
    });
    EXPECT_TRUE(page.ok()) << page.error().text();
    std::vector<std::int64_t> numbers;
    if (page.ok())
      for (const Version& version : page->versions) numbers.push_back(version.version);
    return numbers;
  }
  using Numbers = std::vector<std::int64_t>;
};

TEST_F(RetentionTest, AllStayWithoutARule) {
  openWith({0, 0, 0});
  const std::string id = pushVersions(4, 10);
  age(4);
  ASSERT_TRUE(sweep().ok());
  EXPECT_EQ(versionsOf(id), (Numbers{4, 3, 2, 1}));
}

TEST_F(RetentionTest, OldVersionsGoWhenANewerOneComes) {
  openWith({0, 3600, 0});
  const std::string id = pushVersions(3, 10);
  EXPECT_EQ(versionsOf(id), (Numbers{3, 2, 1}));
  age(2);
  ASSERT_TRUE(write(id, "newest").ok());
  EXPECT_EQ(versionsOf(id), (Numbers{4, 3}));
}

TEST_F(RetentionTest, OldVersionsGoWithTheSweepAndTakeTheirFilesAlong) {
  openWith({0, 3600, 0});
  const std::string id = pushVersions(3, 70'000);
  age(3);
  const auto swept = sweep();
  ASSERT_TRUE(swept.ok()) << swept.error().text();
  EXPECT_EQ(swept->versions, 2);
  EXPECT_EQ(versionsOf(id), Numbers{3}) << "the newest stays, however old";
  EXPECT_EQ(checkDocuments(*store, service->files())->files, 1);
  expectSound();
}

TEST_F(RetentionTest, WhatMayGrowTooOldIsThatAndNothingElse) {
  openWith({2, 0, 0});
  const auto superseded = [&] {
    Numbers numbers;
    EXPECT_TRUE(store
                    ->readAndWait([&](store::Connection& db) {
                      store::Statement rows(
                          db, "SELECT version FROM document_versions_superseded ORDER BY version");
                      while (rows.step()) numbers.push_back(rows.integer(0));
                      return ok();
                    })
                    .ok());
    return numbers;
  };
  const std::string id = pushVersions(1, 10);
  EXPECT_EQ(superseded(), Numbers{}) << "a push has nothing to note";
  ASSERT_TRUE(write(id, "two").ok());
  EXPECT_EQ(superseded(), Numbers{1});
  ASSERT_TRUE(write(id, "three").ok());
  EXPECT_EQ(superseded(), Numbers{2}) << "version 1 went by number";
  ASSERT_TRUE(remove(id).ok());
  EXPECT_EQ(superseded(), Numbers{});
}

TEST_F(RetentionTest, AVersionThatIsNotThereSaysWhetherItEverWas) {
  openWith({2, 0, 0});
  const std::string id = pushVersions(4, 10);
  const auto restored = [&](std::int64_t version) {
    return await<Changed>([&](auto done) {
      service->restore({}, {{id, {}}, version, {}, {}}, done);
    });
  };
  const auto gone = restored(2);
  EXPECT_ERROR(gone, "version_not_found");
  EXPECT_EQ(gone.error().hint(),
            "there are 3 to 4; this one was removed by the retention of old versions");
  for (const std::int64_t never : {std::int64_t{5}, std::int64_t{-1}}) {
    const auto missing = restored(never);
    EXPECT_ERROR(missing, "version_not_found");
    EXPECT_EQ(missing.error().hint(), "there are 3 to 4");
  }
}

TEST_F(RetentionTest, VersionsBeyondTheSizeGoOldestFirstAndTheNewestStays) {
  openWith({0, 0, 250});
  const std::string id = pushVersions(4, 100);
  EXPECT_EQ(versionsOf(id), (Numbers{4, 3}));
  ASSERT_TRUE(write(id, std::string(1'000, 'z')).ok());
  EXPECT_EQ(versionsOf(id), Numbers{5}) << "the newest stays, however large";
  expectSound();
}

TEST_F(RetentionTest, EachRuleCountsBesideTheOthers) {
  openWith({3, 3600, 250});
  const std::string id = pushVersions(5, 10);
  EXPECT_EQ(versionsOf(id), (Numbers{5, 4, 3})) << "by number";
  age(3);
  ASSERT_TRUE(write(id, "six").ok());
  EXPECT_EQ(versionsOf(id), (Numbers{6, 5, 4})) << "by age";
  ASSERT_TRUE(write(id, std::string(240, 'z')).ok());
  EXPECT_EQ(versionsOf(id), (Numbers{7, 6})) << "by size";
}

TEST_F(RetentionTest, APageHasNoMoreDocumentsThanTheLimit) {
  ServiceOptions options;
  options.limits.page_max = 2;
  open(options);
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(push(name, name).ok());
  EXPECT_EQ(names({}).size(), 2U);
}

}  // namespace
}  // namespace tutti::documents
