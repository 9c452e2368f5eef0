// Numbers and equality as JSON Schema sees them.
#include "server/json/schema/number.hpp"

#include <gtest/gtest.h>

#include "server/json/schema/equal.hpp"

namespace tutti::json::schema {
namespace {

bool multiple(const char* number, const char* divisor) {
  return isMultiple(Json::parse(number), decimalOf(Json::parse(divisor)));
}

TEST(NumberTest, DivisionIsThatOfDecimals) {
  EXPECT_TRUE(multiple("19.99", "0.01"));
  EXPECT_TRUE(multiple("0.3", "0.1"));
  EXPECT_TRUE(multiple("4.35", "0.05"));
  EXPECT_TRUE(multiple("0.0075", "0.0001"));
  EXPECT_FALSE(multiple("0.00751", "0.0001"));
  EXPECT_FALSE(multiple("19.995", "0.01"));
  EXPECT_TRUE(multiple("-1.1", "0.1"));
  EXPECT_TRUE(multiple("0", "0.7"));
  EXPECT_TRUE(multiple("1e308", "0.5"));
  EXPECT_FALSE(multiple("1e308", "0.123456789"));
  EXPECT_FALSE(multiple("1e-300", "1"));
  EXPECT_TRUE(multiple("18446744073709551615", "5"));
  EXPECT_FALSE(multiple("18446744073709551615", "2"));
  EXPECT_TRUE(multiple("9007199254740993", "3"));
  EXPECT_TRUE(multiple("-9223372036854775808", "2"));
  EXPECT_FALSE(multiple("7", "1e300"));
  EXPECT_TRUE(multiple("1e20", "1e10"));
}

TEST(NumberTest, ComparisonIsExactAcrossKinds) {
  const auto order = [](const char* a, const char* b) {
    return compareNumbers(Json::parse(a), Json::parse(b));
  };
  EXPECT_EQ(order("1", "1.0"), 0);
  EXPECT_LT(order("9007199254740992.0", "9007199254740993"), 0);
  EXPECT_GT(order("18446744073709551615", "-1"), 0);
  EXPECT_LT(order("18446744073709551615", "18446744073709551616"), 0);
  EXPECT_GT(order("9223372036854775808", "9223372036854775807"), 0);
}

TEST(EqualTest, NumbersByValueAndNothingElseConverted) {
  const auto equal = [](const char* a, const char* b) {
    const bool same = isEqual(Json::parse(a), Json::parse(b));
    if (same) {
      EXPECT_EQ(hashOf(Json::parse(a)), hashOf(Json::parse(b))) << a;
    }
    return same;
  };
  EXPECT_TRUE(equal("1", "1.0"));
  EXPECT_TRUE(equal("-3", "-3.0"));
  EXPECT_TRUE(equal("0", "-0.0"));
  EXPECT_TRUE(equal("9223372036854775808", "9223372036854775808.0"));
  EXPECT_TRUE(equal(R"({"a":[1,{"b":2.0}]})", R"({"a":[1.0,{"b":2}]})"));
  EXPECT_FALSE(equal("18446744073709551615", "-1"));
  EXPECT_FALSE(equal("1", "true"));
  EXPECT_FALSE(equal("0", "false"));
  EXPECT_FALSE(equal("\"1\"", "1"));
  EXPECT_FALSE(equal("null", "false"));
  EXPECT_FALSE(equal("[]", "{}"));
  EXPECT_FALSE(equal("[1,2]", "[2,1]"));
  EXPECT_FALSE(equal(R"({"a":1})", R"({"b":1})"));
}

TEST(EqualTest, UniquenessOfManyItems) {
  Json items = Json::array();
  for (int i = 0; i < 100; ++i) items.push_back(i);
  EXPECT_TRUE(isUnique(items));
  items.push_back(50.0);
  EXPECT_FALSE(isUnique(items));
  EXPECT_FALSE(isUnique(Json::parse("[{\"a\":1},{\"a\":1.0}]")));
  EXPECT_TRUE(isUnique(Json::parse("[1,true,\"1\",null,[1],{\"a\":1}]")));
}

}  // namespace
}  // namespace tutti::json::schema
