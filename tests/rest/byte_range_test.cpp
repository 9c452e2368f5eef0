#include "server/rest/byte_range.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tutti::rest {
namespace {

/// "0+5,7+1", "whole" or "unsatisfiable".
std::string chosen(std::string_view header, std::uint64_t size) {
  const RangeChoice choice = chooseRanges(header, size);
  if (choice.kind == RangeChoice::Kind::Whole) return "whole";
  if (choice.kind == RangeChoice::Kind::Unsatisfiable) return "unsatisfiable";
  std::string text;
  for (const ByteRange& range : choice.ranges)
    text +=
        (text.empty() ? "" : ",") + std::to_string(range.offset) + "+" + std::to_string(range.size);
  return text;
}

TEST(ByteRangeTest, TheThreeFormsAreClippedToTheContent) {
  EXPECT_EQ(chosen("bytes=0-4", 10), "0+5");
  EXPECT_EQ(chosen("bytes=5-", 10), "5+5");
  EXPECT_EQ(chosen("bytes=-3", 10), "7+3");
  EXPECT_EQ(chosen("bytes=-30", 10), "0+10");
  EXPECT_EQ(chosen("bytes=8-99999999999999999999999", 10), "8+2");
  EXPECT_EQ(chosen("Bytes = 0-0 , -1", 10), "0+1,9+1");
}

TEST(ByteRangeTest, WhatLiesOutsideIsUnsatisfiable) {
  EXPECT_EQ(chosen("bytes=10-", 10), "unsatisfiable");
  EXPECT_EQ(chosen("bytes=-0", 10), "unsatisfiable");
  EXPECT_EQ(chosen("bytes=0-", 0), "unsatisfiable");
  EXPECT_EQ(chosen("bytes=99999999999999999999999-", 10), "unsatisfiable");
  EXPECT_EQ(chosen("bytes=10-,0-0", 10), "0+1");
}

TEST(ByteRangeTest, WhatIsIllFormedCountsAsAbsent) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=5-4", "bytes=--1", "bytes=1",
        "chars=0-4", "bytes=0-1,x", "bytes=+1-2", "bytes=-"})
    EXPECT_EQ(chosen(header, 10), "whole") << header;
}

TEST(ByteRangeTest, ManyOrOverlappingRangesGetTheWhole) {
  std::string many = "bytes=0-0";
  for (std::size_t count = 1; count < kRangesMax; ++count) many += ",0-0";
  EXPECT_NE(chosen(many, 100), "whole");
  EXPECT_EQ(chosen(many + ",0-0", 100), "whole");
  EXPECT_EQ(chosen("bytes=0-9,0-9", 10), "whole");
}

TEST(ByteRangeTest, EveryChosenRangeLiesInsideTheContent) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t size = random() % 20;
    std::string header = "bytes=";
    for (auto count = random() % 4; count > 0; --count)
      header += (random() % 2 ? std::to_string(random() % 25) : "") + "-" +
                (random() % 2 ? std::to_string(random() % 25) : "") + ",";
    for (const ByteRange& range : chooseRanges(header, size).ranges) {
      EXPECT_GE(range.size, 1U) << header;
      EXPECT_LE(range.offset + range.size, size) << header;
    }
  }
}

TEST(ByteRangeTest, ContentRangeCountsFromNoughtInclusive) {
  EXPECT_EQ(contentRange({0, 100}, 1000), "bytes 0-99/1000");
}

}  // namespace
}  // namespace tutti::rest
