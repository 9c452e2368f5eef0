// What the tests of the search share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/search/migrations.hpp"
#include "server/search/text_index.hpp"
#include "server/store/store.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::search {

/// As the documents make it; see document_index_queue there.
inline const store::Migration& queueTable() {
  static const store::Migration table = {
      300, "documents",
      "CREATE TABLE document_index_queue(id INTEGER PRIMARY KEY AUTOINCREMENT,"
      " document_id TEXT NOT NULL, version INTEGER NOT NULL, change TEXT NOT NULL,"
      " queued_at TEXT NOT NULL)"};
  return table;
}

class SearchTest : public testing::Test {
 protected:
  SearchTest() {
    std::vector<store::Migration> all = {queueTable()};
    for (const store::Migration& migration : migrations()) all.push_back(migration);
    auto opened = store::Store::open(folder_.path(), all);
    if (!opened.ok()) throw std::runtime_error(opened.error().text());
    store_ = std::move(*opened);
  }

  void write(const store::Store::Work& work) {
    const Status done = store_->writeAndWait(work);
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  void read(const store::Store::Work& work) {
    const Status done = store_->readAndWait(work);
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  std::int64_t count(const std::string& sql) {
    std::int64_t number = -1;
    read([&](store::Tx& db) {
      store::Statement row(db, sql);
      if (row.step()) number = row.integer(0);
      return ok();
    });
    return number;
  }

  fixture::TempFolder folder_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace tutti::search
