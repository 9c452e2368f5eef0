// The vectors of texts in a private in-memory store.
#include "server/routing/stored_vectors.hpp"

#include <gtest/gtest.h>

#include "server/store/statement.hpp"
#include "tests/routing/store_support.hpp"

namespace tutti::routing {
namespace {

class StoredVectorsTest : public ::testing::Test {
 protected:
  StoredVectorsTest() : db_(":memory:", store::Access::ReadWrite) {
    for (const store::Migration& migration : routingTables()) db_.execute(migration.sql);
  }
  FoundVectors find(const std::vector<std::string>& texts, std::int64_t day = 100,
                    const std::string& identity = "openai fake 0") {
    std::vector<std::string> keys;
    for (const std::string& text : texts) keys.push_back(vectorKey(text));
    return findVectors(db_, identity, keys, day);
  }
  Status put(const std::string& text, TextVector vector, std::int64_t day = 100) {
    return putVectors(db_, "openai fake 0", {{vectorKey(text), std::move(vector)}}, day);
  }
  store::Connection db_;
};

TEST_F(StoredVectorsTest, AreFoundAsTheyWereOfTheirModelAlone) {
  ASSERT_TRUE(put("roses", {0, -127, 64}).ok());
  ASSERT_TRUE(put("refused by the server", {}).ok());
  const FoundVectors found = find({"roses", "refused by the server", "bread"});
  ASSERT_EQ(found.vectors.size(), 2U);
  EXPECT_EQ(*findVector(found.vectors, " roses\n"), (TextVector{0, -127, 64}));
  EXPECT_TRUE(findVector(found.vectors, "refused by the server")->empty());
  EXPECT_TRUE(find({"roses"}, 100, "openai other 0").vectors.empty());
}

TEST_F(StoredVectorsTest, OneOfAnotherLengthIsRefusedAndSaysWhatToDo) {
  ASSERT_TRUE(put("roses", {1, 2, 3}).ok());
  const Status other = put("bread", {1, 2, 3, 4});
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().name(), "embeddings_dimension");
  EXPECT_EQ(other.error().message(),
            "the embeddings server gave a vector of 4 dimensions instead of 3");
  EXPECT_TRUE(find({"bread"}).vectors.empty());
}

TEST_F(StoredVectorsTest, WhatWasUsedEarlierIsToldAndNotedOnce) {
  ASSERT_TRUE(put("roses", {1, 2}, 100).ok());
  EXPECT_TRUE(find({"roses"}, 100).used_earlier.empty());
  const FoundVectors later = find({"roses"}, 101);
  ASSERT_EQ(later.used_earlier, std::vector<std::string>{vectorKey("roses")});
  touchVectors(db_, "openai fake 0", later.used_earlier, 101);
  EXPECT_TRUE(find({"roses"}, 101).used_earlier.empty());
}

TEST_F(StoredVectorsTest, OfTooManyThoseGoThatWereNotUsedForLongest) {
  std::vector<StoredVector> many;
  for (std::int64_t i = 0; i < kStoredVectorsMax; ++i)
    many.push_back({vectorKey("text " + std::to_string(i)), {1, 2}});
  ASSERT_TRUE(putVectors(db_, "openai fake 0", many, 100).ok());
  touchVectors(db_, "openai fake 0", {vectorKey("text 0")}, 101);
  ASSERT_TRUE(put("one more", {3, 4}, 101).ok());
  EXPECT_EQ(find({"text 0", "one more", "text 2"}).vectors.size(), 3U);
  EXPECT_TRUE(find({"text 1"}).vectors.empty());
  store::Statement count(db_, "SELECT count(*) FROM route_vectors");
  ASSERT_TRUE(count.step());
  EXPECT_EQ(count.integer(0), kStoredVectorsMax);
}

}  // namespace
}  // namespace tutti::routing
