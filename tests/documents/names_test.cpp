// What documents are found by beside their own columns: parts of their names, and labels.
#include "server/documents/rows.hpp"
#include "tests/documents/support.hpp"

namespace tutti::documents {
namespace {

class FindingTest : public DocumentsTest {};

/// Where names are when they are asked for: both beside their index, both in it, one of each.
struct NamesAt {
  const char* name;
  int indexed;
};
class NamesTest : public DocumentsTest, public ::testing::WithParamInterface<NamesAt> {
 protected:
  /// Takes the names there are into the index after as many pushes as the case says.
  void maybeIndex(int pushed) {
    if (pushed > GetParam().indexed) return;
    const Status indexed = store->writeAndWait([](store::Tx& tx) {
      indexAll(tx);
      return ok();
    });
    ASSERT_TRUE(indexed.ok()) << indexed.error().text();
  }
  static void indexAll(store::Tx& tx) {
    store::Statement newest(tx, "SELECT max(document_seq) FROM documents");
    ASSERT_TRUE(newest.step());
    indexNames(tx, newest.integer(0));
  }
  std::vector<std::string> found(const std::string& part) {
    DocumentFilter filter;
    filter.name_contains = part;
    return names(filter);
  }
};

TEST_P(NamesTest, APartOfANameIsFoundAlsoAfterAChangeOfNameAndARemoval) {
  const auto plain = push("Quarterly \"Plan\".md", "1");
  maybeIndex(1);
  const auto other = push("budget-äöü.md", "2");
  maybeIndex(2);
  ASSERT_TRUE(plain.ok() && other.ok());
  EXPECT_EQ(found("quarterly \"p").size(), 1U);
  EXPECT_EQ(found("-äö"), (std::vector<std::string>{"budget-äöü.md"}));
  EXPECT_TRUE(found("-ÄÖ").empty()) << "only ASCII letters are taken in both cases";
  EXPECT_EQ(found("ä").size(), 1U) << "shorter than what the index has";
  EXPECT_EQ(found(".md").size(), 2U);
  EXPECT_TRUE(found("quarter* OR md").empty());
  MetadataChange change;
  change.ref.document_id = plain->id;
  change.filename = "yearly.md";
  ASSERT_TRUE(await<Document>([&](auto done) { service->changeMetadata({}, change, done); }).ok());
  EXPECT_TRUE(found("Quarterly").empty());
  EXPECT_EQ(found("early"), (std::vector<std::string>{"yearly.md"}));
  ASSERT_TRUE(remove(plain->id).ok());
  EXPECT_TRUE(found("early").empty());
  const Status sound = store->writeAndWait([](store::Tx& tx) {
    indexAll(tx);
    store::execute(tx,
                   "INSERT INTO document_names(document_names, rank)"
                   " VALUES ('integrity-check', 1)");
    return ok();
  });
  EXPECT_TRUE(sound.ok()) << sound.error().text();
  EXPECT_EQ(found("udget").size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, NamesTest,
                         ::testing::Values(NamesAt{"beside", 0}, NamesAt{"mixed", 1},
                                           NamesAt{"indexed", 2}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(FindingTest, NamesGoIntoTheirIndexManyAtOnceAndAreFoundBeforeAndAfter) {
  const auto indexed = [&] {
    std::int64_t count = 0;
    EXPECT_TRUE(store
                    ->readAndWait([&](store::Connection& db) {
                      store::Statement row(db, "SELECT indexed_seq FROM document_names_state");
                      if (row.step()) count = row.integer(0);
                      return ok();
                    })
                    .ok());
    return count;
  };
  for (int i = 1; i < kNamesAside; ++i)
    ASSERT_TRUE(push("report_" + std::to_string(i) + ".md", "x").ok());
  EXPECT_EQ(indexed(), 0);
  DocumentFilter filter;
  filter.name_contains = "port_123.";
  EXPECT_EQ(names(filter), (std::vector<std::string>{"report_123.md"}));
  ASSERT_TRUE(push("one more.md", "x").ok());
  EXPECT_EQ(indexed(), kNamesAside);
  EXPECT_EQ(names(filter), (std::vector<std::string>{"report_123.md"}));
  ASSERT_TRUE(push("report_123.md too", "x").ok());
  EXPECT_EQ(names(filter).size(), 2U);
}

TEST_F(FindingTest, LabelsAreThoseOfTheDocumentAsItIsNow) {
  PushRequest request;
  request.filename = "a.md";
  request.content = "x";
  request.tags = {"draft", "kept"};
  request.metadata = {{"owner", "ann"}, {"long", std::string(500, 'v')}};
  const auto pushed = push(request);
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();
  const auto labels = [&] {
    std::int64_t count = -1;
    EXPECT_TRUE(store
                    ->readAndWait([&](store::Connection& db) {
                      store::Statement row(db, "SELECT count(*) FROM document_labels");
                      if (row.step()) count = row.integer(0);
                      return ok();
                    })
                    .ok());
    return count;
  };
  EXPECT_EQ(labels(), 4);
  MetadataChange change;
  change.ref.document_id = pushed->id;
  change.tags = std::vector<std::string>{"kept"};
  change.metadata["long"] = std::nullopt;
  ASSERT_TRUE(await<Document>([&](auto done) { service->changeMetadata({}, change, done); }).ok());
  EXPECT_EQ(labels(), 2);
  DocumentFilter filter;
  filter.tags = {"draft"};
  EXPECT_TRUE(names(filter).empty());
  filter.tags = {"kept"};
  EXPECT_EQ(names(filter).size(), 1U);
  ASSERT_TRUE(remove(pushed->id).ok());
  EXPECT_EQ(labels(), 0);
}

TEST_F(FindingTest, APartOfVeryManyNamesIsFoundInEachPartition) {
  const Status filled = store->writeAndWait([](store::Tx& tx) {
    store::execute(tx,
                   "INSERT INTO document_partitions(name, kind, created_at)"
                   " VALUES ('other', 'named', '')");
    store::execute(tx,
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
                   " INSERT INTO documents(id, partition, filename, content_type, created_at,"
                   " updated_at, tags) SELECT 'doc_' || i, iif(i % 1000 = 7, 'other', '_global'),"
                   " 'common-' || i, 'text/plain', i, i, '[]' FROM n");
    return ok();
  });
  ASSERT_TRUE(filled.ok()) << filled.error().text();
  DocumentFilter filter;
  filter.name_contains = "common-";
  filter.place.partition = "other";
  EXPECT_EQ(names(filter), (std::vector<std::string>{"common-1007", "common-2007", "common-7"}));
  filter.place = {};
  EXPECT_EQ(names(filter).size(), static_cast<std::size_t>(filter.count_max));
  filter.place.scope = Scope::Visible;
  EXPECT_EQ(names(filter).size(), static_cast<std::size_t>(filter.count_max));
}

class CompletionTest : public DocumentsTest {
 protected:
  /// doc_000001 and on, each in `_global` but every hundredth, which is another tree's.
  void fill(int count) {
    const Status filled = store->writeAndWait([&](store::Tx& tx) {
      store::execute(tx,
                     "INSERT INTO document_partitions(name, kind, created_at)"
                     " VALUES ('tree_other', 'tree', '')");
      store::execute(tx,
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                     " INSERT INTO documents(id, partition, filename, content_type, created_at,"
                     " updated_at) SELECT printf('doc_%06d', i),"
                     " iif(i % 100 = 0, 'tree_other', '_global'), 'n' || i, 'text/plain',"
                     " printf('%06d', i), printf('%06d', i) FROM n",
                     count);
      return ok();
    });
    ASSERT_TRUE(filled.ok()) << filled.error().text();
  }
  Completion complete(std::string typed, std::int64_t count_max = 1000, Caller caller = {}) {
    auto found = await<Completion>([&](auto done) {
      service->complete(std::move(caller), std::move(typed), count_max, done);
    });
    EXPECT_TRUE(found.ok()) << found.error().text();
    return found.ok() ? std::move(*found) : Completion{};
  }
  using Ids = std::vector<std::string>;
};

TEST_F(CompletionTest, AnIdIsFoundHoweverManyDocumentsAreNewer) {
  fill(25'000);
  EXPECT_EQ(complete("doc_000001").ids, Ids{"doc_000001"});
  EXPECT_EQ(complete("doc_00000").ids.size(), 9U);
  EXPECT_FALSE(complete("doc_00000").more);
  EXPECT_EQ(complete("doc_00000", 2).ids, (Ids{"doc_000001", "doc_000002"}));
  EXPECT_TRUE(complete("doc_00000", 2).more);
  EXPECT_EQ(complete("doc_9").ids, Ids{});
  EXPECT_EQ(complete("n24999").ids, Ids{"doc_024999"});
  EXPECT_EQ(complete("d", 2).ids, (Ids{"doc_025000", "doc_024999"})) << "the newest first";
  EXPECT_TRUE(complete("", 2).more);
}

TEST_F(CompletionTest, AnAgentIsOfferedWhatItSees) {
  fill(300);
  addSession("ses_a", "", "");
  EXPECT_EQ(complete("doc_00010", 3).ids, (Ids{"doc_000100", "doc_000101", "doc_000102"}));
  EXPECT_EQ(complete("doc_00010", 2, {"ses_a"}).ids, (Ids{"doc_000101", "doc_000102"}));
  EXPECT_EQ(complete("n100", 5, {"ses_a"}).ids, Ids{});
}

TEST_F(CompletionTest, ANameThatLooksLikeAnIdComesAfterTheIds) {
  fill(1);
  const auto named = push("doc_000001-notes.md", "x");
  ASSERT_TRUE(named.ok()) << named.error().text();
  const auto pattern = push("a*b.md", "x");
  ASSERT_TRUE(pattern.ok()) << pattern.error().text();
  // All six digits: the ids that are given here are random, and may well begin with one nought.
  EXPECT_EQ(complete("doc_000001").ids, (Ids{"doc_000001", named->id}));
  EXPECT_EQ(complete("a*").ids, Ids{pattern->id});
  EXPECT_EQ(complete("a*b.mdx").ids, Ids{});
}

TEST_F(CompletionTest, OneOrTwoLettersAreWhatNamesBeginWith) {
  fill(2000);
  const auto older = push("ab.md", "1");
  const auto newer = push("aB.md", "2");
  const auto umlaut = push("\xC3\xA4.md", "3");
  const auto last = push("a\xF4\x8F\xBF\xBF", "4");
  ASSERT_TRUE(older.ok() && newer.ok() && umlaut.ok() && last.ok());
  EXPECT_EQ(complete("a").ids, (Ids{last->id, newer->id, older->id})) << "the newest first";
  EXPECT_EQ(complete("aB").ids, Ids{newer->id});
  EXPECT_EQ(complete("\xC3\xA4").ids, Ids{umlaut->id});
  EXPECT_EQ(complete("zz").ids, Ids{});
  EXPECT_EQ(complete("n", 2).ids, (Ids{"doc_002000", "doc_001999"})) << "of many too";
  addSession("ses_a", "", "");
  EXPECT_EQ(complete("n2", 3, {"ses_a"}).ids, (Ids{"doc_000299", "doc_000298", "doc_000297"}))
      << "2000 and 200 are another tree's";
}

TEST_F(CompletionTest, WhatIsLongerThanAnyNameFindsNothingAndAsAQueryIsNamed) {
  fill(1);
  EXPECT_TRUE(complete(std::string(60'000, 'n')).ids.empty());
  EXPECT_TRUE(complete("doc_" + std::string(60'000, '0')).ids.empty());
  DocumentFilter filter;
  filter.name_contains = std::string(60'000, '%');
  EXPECT_ERROR(query(filter), "pattern_bytes_max");
  filter.name_contains = std::string(16U * 1024, '%');
  EXPECT_TRUE(names(filter).empty());
  filter = {};
  filter.name_glob = std::string(60'000, '*');
  EXPECT_ERROR(query(filter), "pattern_bytes_max");
  filter = {};
  filter.content_type = std::string(60'000, 't') + "/*";
  EXPECT_ERROR(query(filter), "pattern_bytes_max");
}

}  // namespace
}  // namespace tutti::documents
