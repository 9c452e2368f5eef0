// The texts are those that FastAPI with pydantic 2 gives for the same input.
#include "server/rest/validation.hpp"

#include <gtest/gtest.h>

namespace tutti::rest {
namespace {

TEST(ValidationTest, QueriesAreReadAsPydanticReadsThem) {
  const Target target = parseTarget("/?a=%205%20&b=-3.0&yes=ON&no=f&text=x");
  ValidationErrors errors;
  QueryReader query(target, errors);
  EXPECT_EQ(query.integerOr("a", 0), 5);
  EXPECT_EQ(query.integerOr("b", 0), -3);
  EXPECT_EQ(query.integerOr("absent", 100), 100);
  EXPECT_TRUE(query.booleanOr("yes", false));
  EXPECT_FALSE(query.booleanOr("no", true));
  EXPECT_EQ(query.requiredText("text"), "x");
  EXPECT_TRUE(errors.empty());
}

TEST(ValidationTest, EveryWrongMemberOfAQueryIsNamed) {
  const Target target = parseTarget("/?limit=x&low=0&high=101&flag=maybe");
  ValidationErrors errors;
  QueryReader query(target, errors);
  query.requiredText("q");
  query.integer("limit");
  query.integer("low", {1, 100});
  query.integer("high", {1, 100});
  EXPECT_TRUE(query.booleanOr("flag", true));
  EXPECT_EQ(
      errors.body(),
      R"({"detail":[{"type":"missing","loc":["query","q"],"msg":"Field required","input":null},)"
      R"({"type":"int_parsing","loc":["query","limit"],)"
      R"("msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"},)"
      R"({"type":"greater_than_equal","loc":["query","low"],)"
      R"("msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}},)"
      R"({"type":"less_than_equal","loc":["query","high"],)"
      R"("msg":"Input should be less than or equal to 100","input":"101","ctx":{"le":100}},)"
      R"({"type":"bool_parsing","loc":["query","flag"],)"
      R"("msg":"Input should be a valid boolean, unable to interpret input","input":"maybe"}]})");
}

std::string bodyError(std::string_view type, std::string_view body) {
  ValidationErrors errors;
  EXPECT_FALSE(readObjectBody(type, body, errors));
  return errors.body();
}

TEST(ValidationTest, ABodyThatIsNoObjectIsRefused) {
  EXPECT_EQ(
      bodyError("application/json", ""),
      R"({"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]})");
  EXPECT_EQ(
      bodyError("application/json", "null"),
      R"({"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]})");
  EXPECT_EQ(bodyError("application/json", "[1]"),
            R"({"detail":[{"type":"model_attributes_type","loc":["body"],)"
            R"("msg":"Input should be a valid dictionary or object to extract fields from",)"
            R"("input":[1]}]})");
  EXPECT_EQ(bodyError("text/plain", "{}"),
            R"({"detail":[{"type":"model_attributes_type","loc":["body"],)"
            R"("msg":"Input should be a valid dictionary or object to extract fields from",)"
            R"("input":"{}"}]})");
  const std::string broken = bodyError("application/json", "{\"a\":");
  EXPECT_TRUE(broken.starts_with(
      R"({"detail":[{"type":"json_invalid","loc":["body",5],"msg":"JSON decode error","input":{},)"
      R"("ctx":{"error":")"))
      << broken;
}

TEST(ValidationTest, JsonIsKnownByItsTypes) {
  for (const char* type :
       {"", "application/json", "application/json; charset=utf-8", "application/problem+json"}) {
    ValidationErrors errors;
    EXPECT_TRUE(readObjectBody(type, "{}", errors)) << type;
  }
}

TEST(ValidationTest, MembersOfABodyAreChecked) {
  ValidationErrors errors;
  const auto body = readObjectBody("", R"({"a":"x","b":5,"c":null,"d":0})", errors);
  ASSERT_TRUE(body);
  BodyReader reader(*body, errors);
  EXPECT_EQ(reader.requiredText("a"), "x");
  EXPECT_FALSE(reader.text("absent"));
  EXPECT_FALSE(reader.requiredTextOrNull("c"));
  EXPECT_EQ(reader.integer("b"), 5);
  EXPECT_TRUE(errors.empty());
  reader.text("b");
  reader.requiredTextOrNull("absent");
  reader.integer("a");
  reader.integer("d", {1, {}});
  EXPECT_EQ(
      errors.body(),
      R"({"detail":[{"type":"string_type","loc":["body","b"],"msg":"Input should be a valid string","input":5},)"
      R"({"type":"missing","loc":["body","absent"],"msg":"Field required","input":{"a":"x","b":5,"c":null,"d":0}},)"
      R"({"type":"int_type","loc":["body","a"],"msg":"Input should be a valid integer","input":"x"},)"
      R"({"type":"greater_than_equal","loc":["body","d"],"msg":"Input should be greater than or equal to 1","input":0,"ctx":{"ge":1}}]})");
}

}  // namespace
}  // namespace tutti::rest
