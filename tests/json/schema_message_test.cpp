// What an invalid instance is told: the wording of python-jsonschema, and where it went wrong.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/json/schema/schema.hpp"

namespace tutti::json {
namespace {

std::vector<SchemaError> errorsOf(const char* schema_text, const char* instance_text,
                                  SchemaOptions options = {}) {
  const auto schema = Schema::compile(Json::parse(schema_text), std::move(options));
  EXPECT_TRUE(schema.ok()) << schema_text << ": " << (schema.ok() ? "" : schema.error().message());
  if (!schema.ok()) return {};
  return schema->validate(Json::parse(instance_text));
}

struct Case {
  const char* schema;
  const char* instance;
  const char* instance_path;
  const char* schema_path;
  const char* message;
};

constexpr Case kCases[] = {
    {R"({"type":"string"})", "5", "", "/type", "5 is not of type 'string'"},
    {R"({"type":["string","null"]})", "1.5", "", "/type", "1.5 is not of type 'null', 'string'"},
    {R"({"required":["prompt"]})", "{}", "", "/required", "'prompt' is a required property"},
    {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"bad":2})", "",
     "/additionalProperties", "Additional properties are not allowed ('bad' was unexpected)"},
    {R"({"additionalProperties":false})", R"({"x":1,"y":2})", "", "/additionalProperties",
     "Additional properties are not allowed ('x', 'y' were unexpected)"},
    {R"({"patternProperties":{"^a":{}},"additionalProperties":false})", R"({"b":1})", "",
     "/additionalProperties", "'b' does not match any of the regexes: '^a'"},
    {R"({"properties":{"m":{"enum":["a","b"]}}})", R"({"m":"x"})", "/m", "/properties/m/enum",
     "'x' is not one of ['a', 'b']"},
    {R"({"const":{"a":[true,null]}})", "1", "", "/const", "{'a': [True, None]} was expected"},
    {R"({"minimum":3})", "2", "", "/minimum", "2 is less than the minimum of 3"},
    {R"({"maximum":3})", "3.5", "", "/maximum", "3.5 is greater than the maximum of 3"},
    {R"({"exclusiveMinimum":3})", "3", "", "/exclusiveMinimum",
     "3 is less than or equal to the minimum of 3"},
    {R"({"exclusiveMaximum":3.0})", "4", "", "/exclusiveMaximum",
     "4 is greater than or equal to the maximum of 3.0"},
    {R"({"multipleOf":0.01})", "0.015", "", "/multipleOf", "0.015 is not a multiple of 0.01"},
    {R"({"minLength":1})", "\"\"", "", "/minLength", "'' should be non-empty"},
    {R"({"minLength":3})", "\"ab\"", "", "/minLength", "'ab' is too short"},
    {R"({"maxLength":2})", "\"abc\"", "", "/maxLength", "'abc' is too long"},
    {R"({"pattern":"^a$"})", "\"it's\"", "", "/pattern", "\"it's\" does not match '^a$'"},
    {R"({"format":"email"})", "\"nobody\"", "", "/format", "'nobody' is not a 'email'"},
    {R"({"minItems":1})", "[]", "", "/minItems", "[] should be non-empty"},
    {R"({"maxItems":1})", "[1,2]", "", "/maxItems", "[1, 2] is too long"},
    {R"({"uniqueItems":true})", "[1,1.0]", "", "/uniqueItems", "[1, 1.0] has non-unique elements"},
    {R"({"items":{"type":"integer"}})", R"([1,"a"])", "/1", "/items/type",
     "'a' is not of type 'integer'"},
    {R"({"prefixItems":[{}],"items":false})", "[1,2,3]", "", "/items",
     "Expected at most 1 item but found 2 extra: [2, 3]"},
    {R"({"contains":{"type":"null"}})", "[1]", "", "/contains",
     "[1] does not contain items matching the given schema"},
    {R"({"$schema":"http://json-schema.org/draft-07/schema#","contains":{"type":"null"}})", "[1]",
     "", "/contains", "None of [1] are valid under the given schema"},
    {R"({"contains":{"type":"null"},"minContains":2})", "[null]", "", "/minContains",
     "Too few items match the given schema (expected at least 2 but only 1 matched)"},
    {R"({"contains":{"type":"null"},"maxContains":1})", "[null,null]", "", "/maxContains",
     "Too many items match the given schema (expected at most 1)"},
    {R"({"minProperties":1})", "{}", "", "/minProperties", "{} should be non-empty"},
    {R"({"maxProperties":0})", R"({"a":1})", "", "/maxProperties",
     "{'a': 1} is expected to be empty"},
    {R"({"propertyNames":{"maxLength":1}})", R"({"ab":1})", "", "/propertyNames/maxLength",
     "'ab' is too long"},
    {R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})", "", "/dependentRequired",
     "'b' is a dependency of 'a'"},
    {R"({"dependentSchemas":{"a":{"required":["b"]}}})", R"({"a":1})", "",
     "/dependentSchemas/a/required", "'b' is a required property"},
    {R"({"anyOf":[{"type":"null"},{"minimum":3}]})", "1", "", "/anyOf",
     "1 is not valid under any of the given schemas"},
    {R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "3", "", "/oneOf",
     "3 is valid under each of {'minimum': 2}, {'minimum': 1}"},
    {R"({"not":{"type":"string"}})", "\"a\"", "", "/not",
     "'a' should not be valid under {'type': 'string'}"},
    {R"({"if":{"type":"string"},"then":{"minLength":2}})", "\"a\"", "", "/then/minLength",
     "'a' is too short"},
    {R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"null"}}})", "1", "", "/$ref/type",
     "1 is not of type 'null'"},
    {R"({"allOf":[{},{"properties":{"a/b":{"type":"null"}}}]})", R"({"a/b":1})", "/a~1b",
     "/allOf/1/properties/a~1b/type", "1 is not of type 'null'"},
    {R"({"properties":{"a":false}})", R"({"a":1})", "/a", "/properties/a",
     "False schema does not allow 1"},
    {R"({"properties":{"a":{}},"unevaluatedProperties":false})", R"({"b":1})", "",
     "/unevaluatedProperties", "Unevaluated properties are not allowed ('b' was unexpected)"},
    {R"({"unevaluatedProperties":{"type":"null"}})", R"({"b":1})", "", "/unevaluatedProperties",
     "Unevaluated properties are not valid under the given schema ('b' was unevaluated and "
     "invalid)"},
    {R"({"prefixItems":[{}],"unevaluatedItems":false})", R"([1,"x"])", "", "/unevaluatedItems",
     "Unevaluated items are not allowed ('x' was unexpected)"},
};

TEST(SchemaMessageTest, EachKeywordSaysWhatWhereAndBy) {
  for (const Case& expected : kCases) {
    const auto errors = errorsOf(expected.schema, expected.instance);
    ASSERT_EQ(errors.size(), 1U) << expected.schema;
    EXPECT_EQ(errors[0].message, expected.message) << expected.schema;
    EXPECT_EQ(errors[0].instance_path, expected.instance_path) << expected.schema;
    EXPECT_EQ(errors[0].schema_path, expected.schema_path) << expected.schema;
  }
}

TEST(SchemaMessageTest, AllErrorsAreReportedUpToTheLimit) {
  const char* schema = R"({"required":["a","b"],"properties":{"c":{"type":"null","const":2}}})";
  EXPECT_EQ(errorsOf(schema, R"({"c":1})").size(), 4U);
  EXPECT_EQ(errorsOf(schema, R"({"c":1})", {.errors_max = 4}).size(), 4U);
  EXPECT_EQ(errorsOf(schema, R"({"c":1})", {.errors_max = 3}).size(), 3U);
  EXPECT_EQ(errorsOf(schema, R"({"c":1})", {.errors_max = 1}).size(), 1U);
}

TEST(SchemaMessageTest, HugeValuesAreCutBetweenCharacters) {
  Json huge = Json::array();
  for (int i = 0; i < 100'000; ++i) huge.push_back("ééé");
  const auto schema = Schema::compile(Json::parse(R"({"type":"string"})"));
  const auto errors = schema->validate(huge);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_LE(errors[0].value.size(), 200U + sizeof(" …"));
  EXPECT_LE(errors[0].message.size(), 260U);
  EXPECT_NE(errors[0].value.find(" …"), std::string::npos);
  const auto one = schema->validate(Json::array({std::string(1'000'000, 'x')}));
  EXPECT_LE(one[0].value.size(), 220U);
}

TEST(SchemaMessageTest, IllFormedUtf8InAValueDoesNoHarm) {
  const auto schema = Schema::compile(Json::parse(R"({"maxLength":1})"));
  const auto errors = schema->validate(Json(std::string("a\xFF\xFE b")));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].value, "\"a\xEF\xBF\xBD\xEF\xBF\xBD b\"");
}

TEST(SchemaMessageTest, ErrorsAsJsonAndAsText) {
  const auto errors =
      errorsOf(R"({"required":["a"],"properties":{"b":{"type":"null"}}})", R"({"b":1})");
  EXPECT_EQ(errorsText(errors), "at '/b': 1 is not of type 'null'; 'a' is a required property");
  EXPECT_EQ(
      errorsJson(errors),
      R"([{"message":"1 is not of type 'null'","path":"/b","schema_path":"/properties/b/type","value":"1"},)"
      R"({"message":"'a' is a required property","path":"","schema_path":"/required","value":"{\"b\":1}"}])");
  EXPECT_EQ(errorsText({}), "");
  EXPECT_EQ(errorsJson({}), "[]");
  const std::vector<SchemaError> five(5, {.instance_path = "/x", .message = "m"});
  EXPECT_EQ(errorsText(five), "at '/x': m; at '/x': m; at '/x': m; and 2 more");
}

}  // namespace
}  // namespace tutti::json
