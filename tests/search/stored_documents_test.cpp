#include "server/search/stored_documents.hpp"

#include <gtest/gtest.h>

#include "server/agents/migrations.hpp"
#include "server/documents/documents.hpp"
#include "server/documents/migrations.hpp"
#include "server/search/migrations.hpp"
#include "server/search/search.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::search {
namespace {

TEST(StoredDocumentsTest, WhatIsPushedIsFoundAndWhatIsDeletedIsNot) {
  fixture::TempFolder folder;
  std::vector<store::Migration> all = agents::migrations();
  for (const auto* more : {&documents::migrations(), &migrations()})
    all.insert(all.end(), more->begin(), more->end());
  auto store = store::Store::open(folder.path(), all);
  ASSERT_TRUE(store.ok()) << store.error().text();
  const documents::ContentFiles files(folder.path());
  documents::Staged staged = files.stage(10'000'000);
  const std::string large = std::string(100'000, '.') + " needle";
  ASSERT_TRUE(staged.append(large).ok());
  Result<documents::Content> in_file = staged.finish();
  ASSERT_TRUE(in_file.ok()) << in_file.error().text();
  const documents::Content small = documents::smallContent("# Haystack\n\nwith a thread");

  documents::Author author;
  author.now = "2026-01-01T00:00:00.000000+00:00";
  std::string large_id;
  const Status pushed = (*store)->writeAndWait([&](store::Tx& tx) {
    documents::NewDocument input;
    input.filename = "notes.md";
    input.tags = {"sewing"};
    const auto first = documents::createDocument(tx, author, input, &small);
    if (!first.ok()) return Status(first.error());
    input.filename = "large.txt";
    const auto second = documents::createDocument(tx, author, input, &*in_file);
    if (!second.ok()) return Status(second.error());
    large_id = second->id;
    input.filename = "placeholder.txt";
    const auto third = documents::createDocument(tx, author, input, nullptr);
    return third.ok() ? ok() : Status(third.error());
  });
  ASSERT_TRUE(pushed.ok()) << pushed.error().text();

  StoredDocuments source(**store);
  Indexer indexer(**store, source, nullptr);
  indexer.start();
  Search search(**store, nullptr);
  const auto found = [&](const std::string& query) {
    SearchRequest request;
    request.query = query;
    request.filter.tags = {"sewing"};
    request.wait_max_ms = 60'000;
    const auto answer = search.searchAndWait(request);
    return answer.ok() && !answer->results.empty() ? answer->results[0].filename : std::string();
  };
  EXPECT_EQ(found("thread"), "notes.md");
  EXPECT_EQ(found("needle"), "large.txt");
  EXPECT_EQ(found("placeholder"), "placeholder.txt");
  const Status deleted = (*store)->writeAndWait([&](store::Tx& tx) {
    const auto gone = documents::deleteDocument(tx, author, {{large_id, ""}, std::nullopt});
    return gone.ok() ? ok() : Status(gone.error());
  });
  ASSERT_TRUE(deleted.ok()) << deleted.error().text();
  EXPECT_EQ(found("needle"), "");
}

}  // namespace
}  // namespace tutti::search
