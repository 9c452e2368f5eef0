#include "server/store/statement.hpp"

#include "server/store/connection.hpp"
#include "tests/store/support.hpp"

namespace tutti::store {
namespace {

TEST(StatementTest, EveryTypeComesBackAsItWasBound) {
  Connection db(":memory:", Access::ReadWrite);
  db.execute("CREATE TABLE t(a, b, c, d, e, f, g)");
  const std::string bytes("nul\0inside", 10);
  const std::optional<std::string> absent;
  Statement(db, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", std::int64_t{1} << 60, 2.5, bytes,
            absent, std::optional<std::int64_t>(7), true, std::string_view())
      .run();
  Statement row(db, "SELECT a, b, c, d, e, f, g FROM t");
  ASSERT_TRUE(row.step());
  EXPECT_EQ(row.integer(0), std::int64_t{1} << 60);
  EXPECT_EQ(row.real(1), 2.5);
  EXPECT_EQ(row.text(2), bytes);
  EXPECT_TRUE(row.isNull(3));
  EXPECT_EQ(row.optionalText(3), std::nullopt);
  EXPECT_EQ(row.optionalInteger(3), std::nullopt);
  EXPECT_EQ(row.text(3), "");
  EXPECT_EQ(row.optionalInteger(4), 7);
  EXPECT_EQ(row.integer(5), 1);
  EXPECT_FALSE(row.isNull(6));  // an empty text is a text, also from an empty view
  EXPECT_EQ(row.optionalText(6), "");
  EXPECT_FALSE(row.step());
}

TEST(StatementTest, WhatIsExecutedOnceChangesRowsAndSaysHowMany) {
  Connection db(":memory:", Access::ReadWrite);
  db.execute("CREATE TABLE t(a TEXT, b INTEGER)");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(execute(db, "INSERT INTO t VALUES (?, ?)", "word " + std::to_string(i), i), 1);
  EXPECT_EQ(execute(db, "UPDATE t SET b = ? WHERE b > ?", 7, 0), 2);
  EXPECT_EQ(countIn(db, "SELECT count(*) FROM t WHERE a = 'word 2' AND b = 7"), 1);
  EXPECT_EQ(execute(db, "DELETE FROM t WHERE a IS ?", std::optional<std::string>()), 0);
  EXPECT_THROW(execute(db, "INSERT INTO nowhere VALUES (?)", 1), DatabaseError);
}

TEST(StatementTest, AReusedStatementKeepsNothingOfItsLastUse) {
  Connection db(":memory:", Access::ReadWrite);
  for (int i = 0; i < 3; ++i) {
    Statement bound(db, "SELECT ?1, ?2", i, "x");
    ASSERT_TRUE(bound.step());
    EXPECT_EQ(bound.integer(0), i);
  }
  Statement unbound(db, "SELECT ?1, ?2");
  ASSERT_TRUE(unbound.step());
  EXPECT_TRUE(unbound.isNull(0));
  EXPECT_TRUE(unbound.isNull(1));
}

TEST(StatementTest, TheSameTextMayBeInUseTwice) {
  Connection db(":memory:", Access::ReadWrite);
  Statement outer(db, "SELECT value FROM json_each('[1,2]')");
  ASSERT_TRUE(outer.step());
  Statement inner(db, "SELECT value FROM json_each('[1,2]')");
  ASSERT_TRUE(inner.step());
  ASSERT_TRUE(inner.step());
  EXPECT_EQ(outer.integer(0), 1);
  EXPECT_EQ(inner.integer(0), 2);
}

TEST(StatementTest, RunReturnsTheRowsThatWereChanged) {
  Connection db(":memory:", Access::ReadWrite);
  db.execute("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
  EXPECT_EQ(Statement(db, "UPDATE t SET a = 0 WHERE a > ?", 1).run(), 2);
  EXPECT_EQ(db.changes(), 2);
}

TEST(StatementTest, ABrokenTextAndAMissingParameterThrow) {
  Connection db(":memory:", Access::ReadWrite);
  EXPECT_THROW(Statement(db, "SELECT nonsense FROM nowhere"), DatabaseError);
  EXPECT_THROW(Statement(db, ""), DatabaseError);
  EXPECT_THROW(Statement(db, "SELECT 1", 5), DatabaseError);
  EXPECT_NO_THROW(Statement(db, "SELECT 1").step());  // the cache holds no trace of it
}

TEST(StatementTest, MoreTextsThanTheCacheHoldsAllWork) {
  Connection db(":memory:", Access::ReadWrite);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 400; ++i) {
      Statement select(db, "SELECT " + std::to_string(i));
      ASSERT_TRUE(select.step());
      ASSERT_EQ(select.integer(0), i);
    }
  }
}

}  // namespace
}  // namespace tutti::store
