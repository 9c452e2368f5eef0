// A store that an earlier tutti has written, opened by this one.
#include <algorithm>
#include <iterator>

#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

/// What there was up to migration `number`.
std::vector<store::Migration> migrationsUpTo(int number) {
  std::vector<store::Migration> old;
  const auto all = allMigrations();
  std::copy_if(all.begin(), all.end(), std::back_inserter(old),
               [number](const store::Migration& one) { return one.number <= number; });
  return old;
}

constexpr std::string_view kTwoDocuments = R"sql(
INSERT INTO documents(id, partition, filename, content_type, created_at, updated_at, tags, metadata)
  VALUES ('doc_1', '_global', 'first report.md', 'text/markdown', '1', '1', '["kept"]', '{}'),
         ('doc_2', '_global', 'second report.md', 'text/markdown', '2', '2', '[]', '{"a":"b"}');
INSERT INTO document_labels(label, document_seq) VALUES ('tkept', 1), ('ma=b', 2);
INSERT INTO document_contents(content_seq, hash, size_bytes, bytes, created_at)
  VALUES (1, 'h1', 1, 'x', '1'), (2, 'h2', 1, 'y', '2');
UPDATE documents SET version = 2 WHERE document_seq = 1;
INSERT INTO document_versions(document_seq, version, content_seq, content_type, created_at)
  VALUES (1, 1, 1, 'text/markdown', '1'), (1, 2, 2, 'text/markdown', '2');
INSERT INTO document_changes(id, document_id, partition, change)
  VALUES (41, 'doc_1', '_global', 'created'), (42, 'doc_2', '_global', 'created');
)sql";

class MigrationTest : public DocumentsTest {
 protected:
  void SetUp() override {
    {
      auto old = store::Store::open(folder.path(), migrationsUpTo(301));
      ASSERT_TRUE(old.ok()) << old.error().text();
      const Status filled = (*old)->writeAndWait([](store::Tx& tx) {
        tx.execute(kTwoDocuments);
        return ok();
      });
      ASSERT_TRUE(filled.ok()) << filled.error().text();
    }
    open();
  }
  std::vector<std::string> named(const std::string& part) {
    DocumentFilter filter;
    filter.name_contains = part;
    return names(filter);
  }
};

TEST_F(MigrationTest, NamesAndLabelsOfBeforeAreFoundChangedAndRemoved) {
  ASSERT_TRUE(push("third report.md", "x").ok());
  EXPECT_EQ(named("report").size(), 3U);
  EXPECT_EQ(named("econd rep"), (std::vector<std::string>{"second report.md"}));
  DocumentFilter filter;
  filter.tags = {"kept"};
  EXPECT_EQ(names(filter), (std::vector<std::string>{"first report.md"}));

  MetadataChange change;
  change.ref.document_id = "doc_1";
  change.filename = "renamed.md";
  change.tags = std::vector<std::string>{};
  ASSERT_TRUE(await<Document>([&](auto done) { service->changeMetadata({}, change, done); }).ok());
  EXPECT_TRUE(names(filter).empty());
  EXPECT_TRUE(named("first").empty());
  EXPECT_EQ(named("renamed").size(), 1U);
  ASSERT_TRUE(remove("doc_2").ok());
  EXPECT_EQ(named("report"), (std::vector<std::string>{"third report.md"}));
}

TEST_F(MigrationTest, OldVersionsOfBeforeGoWithTheSweep) {
  ServiceOptions options;
  options.retention.versions_age_max_s = 3600;
  open(options);
  const auto swept = sweep();
  ASSERT_TRUE(swept.ok()) << swept.error().text();
  EXPECT_EQ(swept->versions, 1);
}

TEST_F(MigrationTest, ChangesCountOnFromWhereTheyWere) {
  ASSERT_TRUE(push("third report.md", "x").ok());
  std::vector<DocumentChange> changes;
  const Status looked = store->readAndWait([&](store::Connection& db) {
    changes = changesSince(db, 41, 10);
    return ok();
  });
  ASSERT_TRUE(looked.ok()) << looked.error().text();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].id, 42);
  EXPECT_EQ(changes[1].id, 43);
}

}  // namespace
}  // namespace tutti::documents
