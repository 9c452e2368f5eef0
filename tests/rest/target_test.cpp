#include "server/rest/target.hpp"

#include <gtest/gtest.h>

#include "server/rest/route_table.hpp"

namespace tutti::rest {
namespace {

TEST(TargetTest, SegmentsAndPairsAreDecoded) {
  const Target target = parseTarget("/partitions/a%20b/x%2Fy?q=a+b%2B%26&empty=&bare&&q=last");
  EXPECT_EQ(target.segments, (std::vector<std::string>{"partitions", "a b", "x/y"}));
  ASSERT_EQ(target.query.size(), 4U);
  EXPECT_EQ(target.query[0].second, "a b+&");
  EXPECT_EQ(*target.queryValue("q"), "last");
  EXPECT_EQ(*target.queryValue("empty"), "");
  EXPECT_EQ(*target.queryValue("bare"), "");
  EXPECT_EQ(target.queryValue("none"), nullptr);
}

TEST(TargetTest, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(parseTarget("/%ff?a=%fe").segments[0], "\xEF\xBF\xBD");
  EXPECT_EQ(*parseTarget("/?a=%fe").queryValue("a"), "\xEF\xBF\xBD");
}

TEST(TargetTest, SlashesAtTheEndAndTwiceAreSeen) {
  EXPECT_TRUE(parseTarget("/documents/").ends_with_slash);
  EXPECT_EQ(parseTarget("/documents/").segments.size(), 1U);
  EXPECT_EQ(parseTarget("/a//b").segments, (std::vector<std::string>{"a", "", "b"}));
  EXPECT_TRUE(parseTarget("/").segments.empty());
  EXPECT_TRUE(parseTarget("").segments.empty());
}

TEST(RouteTableTest, TheFirstThatMatchesWinsAndParametersComeInOrder) {
  RouteTable table;
  table.add("GET", "/relations/definitions", 1);
  table.add("GET", "/{a}/{b}", 2);
  EXPECT_EQ(table.find("GET", {"relations", "definitions"}).handler, 1);
  const auto match = table.find("GET", {"x", "y"});
  EXPECT_EQ(match.handler, 2);
  EXPECT_EQ(match.parameters, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(table.find("GET", {"x", ""}).kind, RouteTable::Match::Kind::NoSuchPath);
}

TEST(RouteTableTest, AWrongMethodIsToldWhatIsAllowed) {
  RouteTable table;
  table.add("PUT", "/a/{x}", 1);
  table.add("DELETE", "/a/{x}", 2);
  const auto match = table.find("GET", {"a", "1"});
  EXPECT_EQ(match.kind, RouteTable::Match::Kind::WrongMethod);
  EXPECT_EQ(match.allowed, "DELETE, PUT");
  EXPECT_TRUE(table.knows({"a", "1"}));
  EXPECT_FALSE(table.knows({"a"}));
}

}  // namespace
}  // namespace tutti::rest
