#include "server/search/query.hpp"

#include <gtest/gtest.h>

namespace tutti::search {
namespace {

std::string expressionOf(std::string_view text) {
  const Result<Query> query = parseQuery(text);
  return query.ok() ? query->expression : std::string(query.error().name());
}

TEST(QueryTest, WordsAreAllWanted) {
  EXPECT_EQ(expressionOf("fast queue"), R"((("fast" AND "queue")))");
}
TEST(QueryTest, PhrasesPrefixesAndOperatorsAreKept) {
  EXPECT_EQ(expressionOf(R"("group commit" OR inter* NOT sqlite)"),
            R"((("group commit") OR (("inter"*) NOT "sqlite")))");
  EXPECT_EQ(expressionOf("a AND (b OR c)"), R"((("a" AND (("b") OR ("c")))))");
  EXPECT_EQ(expressionOf("a AND NOT b"), R"(((("a") NOT "b")))");
}
TEST(QueryTest, WhatMeansSomethingToTheIndexIsJustText) {
  EXPECT_EQ(
      expressionOf("filename:x ^y {a} b+c col-umn * near(a b)"),
      R"((("filename:x" AND "^y" AND "{a}" AND "b+c" AND "col-umn" AND "near" AND (("a" AND "b")))))");
  EXPECT_EQ(expressionOf("and or not"), R"((("and" AND "or" AND "not")))");
}
TEST(QueryTest, OnlyPlainWordsMayBeLoosenedToAny) {
  EXPECT_EQ(parseQuery("a b")->any, R"(("a" OR "b"))");
  EXPECT_EQ(parseQuery("a")->any, "");
  EXPECT_EQ(parseQuery("a OR b")->any, "");
  EXPECT_EQ(parseQuery("a NOT b")->any, "");
}

class InvalidQueryTest : public testing::TestWithParam<const char*> {};
TEST_P(InvalidQueryTest, IsNamedAndSaysWhatToDo) {
  const Result<Query> query = parseQuery(GetParam());
  ASSERT_FALSE(query.ok()) << query->expression;
  EXPECT_EQ(query.error().code(), Code::InvalidArgument);
  EXPECT_EQ(query.error().name(), "invalid_query");
  EXPECT_FALSE(query.error().hint().empty());
}
INSTANTIATE_TEST_SUITE_P(Forms, InvalidQueryTest,
                         testing::Values("", "  ", "AND", "OR OR", "NOT", "AND OR NOT", "* - +",
                                         "a AND", "OR a", "a OR", "AND a", "a AND AND b", "NOT a",
                                         "a*", "\"b\"*", "a OR NOT b", "\"open", "a \"b", "(a",
                                         "a)", "()", "a ()", ")(", "\"\"", "\xe2\x80\x94",
                                         "((((((((((((((((((a))))))))))))))))))"));

TEST(QueryTest, ManyWordsAndLongTextsAreRefused) {
  std::string many;
  for (int i = 0; i < 65; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_EQ(parseQuery(many).error().name(), "invalid_query");
  EXPECT_EQ(parseQuery(std::string(5000, 'a')).error().name(), "invalid_query");
}

}  // namespace
}  // namespace tutti::search
