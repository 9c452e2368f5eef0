// The index is broken by SQL, found to be, made anew, and searched.
#include "server/search/check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "server/agents/migrations.hpp"
#include "server/documents/documents.hpp"
#include "server/documents/migrations.hpp"
#include "server/search/indexer.hpp"
#include "server/search/migrations.hpp"
#include "server/search/search.hpp"
#include "server/search/stored_documents.hpp"
#include "server/search/vector_index.hpp"
#include "server/store/statement.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::search {
namespace {

class IndexCheckTest : public testing::Test {
 protected:
  /// One document, indexed, with a vector for each of its sections.
  void SetUp() override {
    std::vector<store::Migration> all = agents::migrations();
    for (const auto* more : {&documents::migrations(), &migrations()})
      all.insert(all.end(), more->begin(), more->end());
    auto opened = store::Store::open(folder_.path(), all);
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    store_ = std::move(*opened);
    id_ = push("notes.md", "# Sewing\n\nwith a needle");
    index();
    write([](store::Tx& tx) {
      store::execute(tx, "INSERT INTO search_models(identity, dimensions) VALUES ('m', 2)");
      std::vector<std::int64_t> chunks;
      {
        store::Statement rows(tx, "SELECT chunk_id FROM search_chunks");
        while (rows.step()) chunks.push_back(rows.integer(0));
      }
      for (const std::int64_t chunk : chunks) putVector(tx, chunk, 1, {0.6F, 0.8F});
      store::execute(tx, "UPDATE search_chunks SET embedded = 1");
      return ok();
    });
  }

  std::string push(const std::string& name, const std::string& text) {
    std::string id;
    write([&](store::Tx& tx) {
      documents::Author author;
      author.now = "2026-01-01T00:00:00.000000+00:00";
      documents::NewDocument input;
      input.filename = name;
      const documents::Content content = documents::smallContent(text);
      const auto made = documents::createDocument(tx, author, input, &content);
      if (!made.ok()) return Status(made.error());
      id = made->id;
      return ok();
    });
    return id;
  }
  /// Lets an indexer work until nothing waits, and finds what has `query`.
  std::size_t index(const std::string& query = "needle") {
    StoredDocuments source(*store_);
    Indexer indexer(*store_, source, nullptr);
    indexer.start();
    Search search(*store_, nullptr);
    SearchRequest request;
    request.query = query;
    request.wait_max_ms = 20'000;
    const auto answer = search.searchAndWait(request);
    EXPECT_TRUE(answer.ok()) << answer.error().text();
    return answer.ok() ? answer->results.size() : 0;
  }
  void write(const store::Store::Work& work) {
    const Status done = store_->writeAndWait(work);
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  /// Each statement for itself; references between rows do not count.
  void breakBy(const std::vector<std::string>& statements) {
    write([&](store::Tx& tx) {
      store::execute(tx, "PRAGMA defer_foreign_keys = ON");
      for (const std::string& sql : statements) store::execute(tx, sql);
      return ok();
    });
  }
  std::vector<std::string> names(bool fix = false) {
    const auto checked = checkIndex(*store_, {.fix = fix});
    EXPECT_TRUE(checked.ok()) << checked.error().text();
    std::vector<std::string> found;
    if (!checked.ok()) return found;
    for (const auto& finding : checked->findings) {
      EXPECT_EQ(finding.fixed, fix) << finding.name;
      EXPECT_EQ(finding.kind, documents::Finding::Kind::Index);
      found.push_back(finding.name);
    }
    EXPECT_EQ(checked->unfixed_count, fix ? 0 : checked->findings_count);
    return found;
  }
  /// `name` is found, and after a fix and the indexer's work nothing is, and the document by its
  /// words.
  void expectFoundAndFixed(const std::string& name) {
    const auto before = names();
    EXPECT_NE(std::find(before.begin(), before.end(), name), before.end())
        << name << " is not among the " << before.size() << " found";
    EXPECT_FALSE(names(true).empty());
    EXPECT_EQ(names(), std::vector<std::string>()) << "what waits for the indexer is not wrong";
    EXPECT_EQ(index(), 1U);
    EXPECT_EQ(names(), std::vector<std::string>());
  }

  fixture::TempFolder folder_;
  std::unique_ptr<store::Store> store_;
  std::string id_;
};

TEST_F(IndexCheckTest, AnIndexThatIsRightHasNoFindings) {
  const auto checked = checkIndex(*store_);
  ASSERT_TRUE(checked.ok()) << checked.error().text();
  EXPECT_EQ(checked->findings_count, 0);
  EXPECT_EQ(checked->documents, 1);
  EXPECT_EQ(checked->sections, 1);
  EXPECT_EQ(checked->vectors, 1);
}

TEST_F(IndexCheckTest, WithoutAFixItChangesNothingAndNeedsNobodysLock) {
  push("not-in-the-index-of-names.md", "thread");
  const std::string path = (folder_.path() / "tutti.db").string();
  store::Connection other(path, store::Access::ReadWrite);
  const auto version = [&] {
    store::Statement row(other, "PRAGMA data_version");
    return row.step() ? row.integer(0) : -1;
  };
  const std::int64_t before = version();
  // As a writer at work does: whoever wants to write waits for it, in vain.
  other.execute("BEGIN IMMEDIATE");
  const auto checked = checkIndex(*store_);
  other.execute("ROLLBACK");
  ASSERT_TRUE(checked.ok()) << checked.error().text();
  EXPECT_EQ(checked->findings_count, 0);
  EXPECT_EQ(version(), before) << "somebody has committed";
}

TEST_F(IndexCheckTest, ADocumentThatWaitsForTheIndexerIsNotMissing) {
  push("other.md", "thread");
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(IndexCheckTest, ADocumentThatNobodyQueuedIsIndexed) {
  push("other.md", "thread");
  breakBy({"DELETE FROM document_index_queue"});
  expectFoundAndFixed("document_not_indexed");
  EXPECT_EQ(index("thread"), 1U);
}

TEST_F(IndexCheckTest, AnOlderVersionInTheIndexIsIndexedAnew) {
  breakBy({"UPDATE search_documents SET version = 7"});
  expectFoundAndFixed("index_out_of_date");
}

TEST_F(IndexCheckTest, RowsOfADocumentThatIsGoneAreRemoved) {
  breakBy(
      {"INSERT INTO search_documents(document_id, version, filename, partition, indexed_at)"
       " VALUES ('doc_gone', 1, 'gone.md', '_global', '')"});
  expectFoundAndFixed("index_without_document");
}

TEST_F(IndexCheckTest, AMarkWithoutRowsIsIndexedAnew) {
  breakBy({"DELETE FROM search_text", "DELETE FROM search_titles", "DELETE FROM search_parts"});
  expectFoundAndFixed("index_without_rows");
}

TEST_F(IndexCheckTest, AMarkWithoutSectionsIsIndexedAnew) {
  breakBy({"DELETE FROM search_chunks"});
  expectFoundAndFixed("index_without_sections");
}

TEST_F(IndexCheckTest, AMissingRowOfTextIsIndexedAnew) {
  breakBy({"DELETE FROM search_text"});
  expectFoundAndFixed("index_row_missing");
}

TEST_F(IndexCheckTest, ASectionBeyondItsTextIsIndexedAnew) {
  breakBy({"UPDATE search_chunks SET text_bytes = 1000"});
  expectFoundAndFixed("section_outside_text");
}

TEST_F(IndexCheckTest, TextOfNobodyIsRemoved) {
  breakBy({"INSERT INTO search_text(rowid, filename, text) VALUES (99, 'x', 'needle')",
           "INSERT INTO search_titles(rowid, filename) VALUES (99, 'x')"});
  expectFoundAndFixed("text_without_document");
}

TEST_F(IndexCheckTest, AVectorOfAnotherSizeIsMadeAgain) {
  breakBy({"UPDATE search_vectors SET vector = zeroblob(12)"});
  expectFoundAndFixed("vector_of_wrong_size");
  const Status read = store_->readAndWait([](store::Connection& db) {
    store::Statement waiting(db, "SELECT count(*) FROM search_chunks WHERE embedded = 0");
    EXPECT_TRUE(waiting.step() && waiting.integer(0) == 1) << "it waits for its next vector";
    return ok();
  });
  EXPECT_TRUE(read.ok());
}

TEST_F(IndexCheckTest, AFullTextIndexThatIsNotThatOfItsTextsIsBuiltAgain) {
  // Behind FTS5's back: the text is another, the words are the old ones.
  breakBy({"UPDATE search_text_content SET c3 = replace(c3, 'needle', 'cotton')"});
  const auto found = names();
  ASSERT_EQ(found, std::vector<std::string>{"full_text_damaged"});
  EXPECT_EQ(names(true), found);
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(IndexCheckTest, AnIndexOfNamesThatIsNotThatOfTheDocumentsIsBuiltAgain) {
  breakBy({"UPDATE document_names_state SET indexed_seq = 1"});  // and it is not
  const auto found = names();
  ASSERT_EQ(found, std::vector<std::string>{"full_text_damaged"});
  EXPECT_EQ(names(true), found);
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(IndexCheckTest, LabelsThatAreNotThoseOfTheirDocumentAreMended) {
  breakBy(
      {"UPDATE documents SET tags = '[\"review\"]',"
       " metadata = json_object('topic', 'locks', 'long', printf('%300c', 'x'))",
       "INSERT INTO document_labels(label, document_seq) VALUES ('tdraft', 1), ('tlost', 99)"});
  const auto checked = checkIndex(*store_);
  ASSERT_TRUE(checked.ok()) << checked.error().text();
  std::vector<std::string> said;
  for (const auto& finding : checked->findings) said.push_back(finding.message);
  EXPECT_EQ(said,
            (std::vector<std::string>{id_ + " is not found by its metadata of a long value",
                                      id_ + " is not found by its metadata 'topic=locks'",
                                      id_ + " is not found by its tag 'review'",
                                      id_ + " is found by tag 'draft', which it does not have",
                                      "a document that is gone is found by tag 'lost'"}));
  EXPECT_EQ(checked->unfixed_count, 5);
  EXPECT_EQ(names(true).size(), 5U);
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(IndexCheckTest, ManyLabelsAreComparedPageByPage) {
  write([](store::Tx& tx) {
    store::execute(tx,
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
                   " INSERT INTO documents(id, partition, filename, content_type, created_at,"
                   " updated_at, tags) SELECT 'doc_' || i, '_global', 'n', 'text/plain', i, i,"
                   " '[\"a\",\"b\"]' FROM n");
    store::execute(tx,
                   "INSERT INTO document_labels(label, document_seq) SELECT 'ta', document_seq"
                   " FROM documents WHERE tags <> '[]' AND id <> 'doc_1100'");
    store::execute(tx,
                   "INSERT INTO document_labels(label, document_seq) SELECT 'tb', document_seq"
                   " FROM documents WHERE tags <> '[]'");
    return ok();
  });
  const auto found = names(true);
  EXPECT_EQ(std::count(found.begin(), found.end(), "label_missing"), 1);
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(IndexCheckTest, FindingsAreCountedBeyondTheLimit) {
  breakBy({"UPDATE search_documents SET version = 7", "DELETE FROM search_chunks"});
  const auto checked = checkIndex(*store_, {.findings_max = 1});
  ASSERT_TRUE(checked.ok()) << checked.error().text();
  EXPECT_EQ(checked->findings.size(), 1U);
  EXPECT_EQ(checked->findings_count, 2);
}

}  // namespace
}  // namespace tutti::search
