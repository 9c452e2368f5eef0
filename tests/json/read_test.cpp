// The strict readers: nothing is converted, and a wrong type names the key and what was found.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/json/json.hpp"

namespace tutti::json {
namespace {

Json sample() {
  return Json::parse(R"({"text":"a","whole":7,"big":18446744073709551615,"point":3.5,"integral":3.0,
      "yes":true,"nothing":null,"list":["a","b"],"mixed":["a",1],"object":{},
      "far":1e19,"min":-9223372036854775808})");
}

template <class R>
std::string message(const R& result) {
  EXPECT_FALSE(result.ok());
  if (result.ok()) return {};
  EXPECT_EQ(result.error().code(), Code::InvalidArgument);
  return result.error().message();
}

TEST(ReadTest, MembersOfTheRightTypeAreRead) {
  const Json object = sample();
  EXPECT_EQ(readString(object, "text").value(), "a");
  EXPECT_EQ(readInteger(object, "whole").value(), 7);
  EXPECT_EQ(readInteger(object, "integral").value(), 3);
  EXPECT_EQ(readInteger(object, "min").value(), INT64_MIN);
  EXPECT_EQ(readNumber(object, "point").value(), 3.5);
  EXPECT_EQ(readNumber(object, "whole").value(), 7.0);
  EXPECT_EQ(readBoolean(object, "yes").value(), true);
  EXPECT_EQ(readStrings(object, "list").value(), (std::vector<std::string>{"a", "b"}));
}

TEST(ReadTest, AbsentAndNullAreTheSame) {
  const Json object = sample();
  for (const char* key : {"nothing", "absent"}) {
    EXPECT_EQ(readString(object, key).value(), std::nullopt);
    EXPECT_EQ(readInteger(object, key).value(), std::nullopt);
    EXPECT_EQ(readNumber(object, key).value(), std::nullopt);
    EXPECT_EQ(readBoolean(object, key).value(), std::nullopt);
    EXPECT_EQ(readStrings(object, key).value(), std::nullopt);
    EXPECT_EQ(find(object, key), nullptr);
  }
}

TEST(ReadTest, WrongTypesAreNamedAndNeverConverted) {
  const Json object = sample();
  EXPECT_EQ(message(readString(object, "whole")), "'whole' must be a string, not the number 7");
  EXPECT_EQ(message(readInteger(object, "text")), "'text' must be an integer, not a string");
  EXPECT_EQ(message(readInteger(object, "yes")), "'yes' must be an integer, not a boolean");
  EXPECT_EQ(message(readInteger(object, "point")),
            "'point' must be an integer, not the number 3.5");
  EXPECT_EQ(message(readInteger(object, "big")),
            "'big' must be an integer, not the number 18446744073709551615");
  EXPECT_EQ(message(readInteger(object, "far")), "'far' must be an integer, not the number 1e+19");
  EXPECT_EQ(message(readNumber(object, "list")), "'list' must be a number, not an array");
  EXPECT_EQ(message(readBoolean(object, "whole")), "'whole' must be a boolean, not the number 7");
  EXPECT_EQ(message(readStrings(object, "mixed")),
            "'mixed' must be an array of strings, not an array");
  EXPECT_EQ(message(readStrings(object, "object")),
            "'object' must be an array of strings, not an object");
}

TEST(ReadTest, WhatIsNoObjectIsRefused) {
  EXPECT_EQ(message(readString(Json::array(), "a")), "expected an object, not an array");
  EXPECT_EQ(message(readString(Json(), "a")), "expected an object, not null");
}

TEST(OrTest, TheMemberOrTheOther) {
  const Json object = sample();
  EXPECT_EQ(stringOr(object, "text", "z"), "a");
  EXPECT_EQ(stringOr(object, "whole", "z"), "z");
  EXPECT_EQ(stringOr(object, "nothing", "z"), "z");
  EXPECT_EQ(integerOr(object, "whole", -1), 7);
  EXPECT_EQ(integerOr(object, "point", -1), -1);
  EXPECT_EQ(numberOr(object, "point", -1), 3.5);
  EXPECT_EQ(numberOr(object, "absent", -1), -1);
  EXPECT_TRUE(booleanOr(object, "yes", false));
  EXPECT_TRUE(booleanOr(object, "whole", true));
  EXPECT_EQ(stringOr(Json(3), "text", "z"), "z");
  EXPECT_EQ(find(Json::array({1}), "0"), nullptr);
  EXPECT_EQ(*find(object, "text"), "a");
}

}  // namespace
}  // namespace tutti::json
