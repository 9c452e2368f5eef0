// Schemas that are refused, each with the path and the mistake; and what references may name.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/json/schema/schema.hpp"

namespace tutti::json {
namespace {

struct RefusedSchema {
  const char* schema;
  const char* message;
};

constexpr RefusedSchema kRefused[] = {
    {"5", "invalid schema at '': a schema must be an object or a boolean, not 5"},
    {R"({"properties":{"a":"x"}})",
     "invalid schema at '/properties/a': a schema must be an object or a boolean, not 'x'"},
    {R"({"properties":{"a/b":{"type":"strng"}}})",
     "invalid schema at '/properties/a~1b': 'type' names the unknown type 'strng'"},
    {R"({"type":3})",
     "invalid schema at '': 'type' must be a string or an array of strings, not 3"},
    {R"({"type":[]})", "invalid schema at '': 'type' must not be empty"},
    {R"({"required":"a"})",
     "invalid schema at '': 'required' must be an array of strings, not 'a'"},
    {R"({"minLength":-1})",
     "invalid schema at '': 'minLength' must be a non-negative integer, not -1"},
    {R"({"maxItems":1.5})",
     "invalid schema at '': 'maxItems' must be a non-negative integer, not 1.5"},
    {R"({"minimum":"1"})", "invalid schema at '': 'minimum' must be a number, not '1'"},
    {R"({"multipleOf":0})", "invalid schema at '': 'multipleOf' must be above zero, not 0"},
    {R"({"enum":1})", "invalid schema at '': 'enum' must be an array, not 1"},
    {R"({"uniqueItems":1})", "invalid schema at '': 'uniqueItems' must be a boolean, not 1"},
    {R"({"allOf":[]})",
     "invalid schema at '': 'allOf' must be a non-empty array of schemas, not []"},
    {R"({"items":[{}]})", "invalid schema at '': 'items' must be a schema, not an array"},
    {R"({"$defs":{"unused":{"pattern":"("}}})",
     "invalid schema at '/$defs/unused': 'pattern' cannot use the expression '(': a group is not "
     "closed"},
    {R"j({"pattern":"a(?=b)"})j",
     "invalid schema at '': 'pattern' cannot use the expression 'a(?=b)': RE2 cannot run it: a "
     "lookahead"},
    {R"({"patternProperties":{"(a)\\1":{}}})",
     R"(invalid schema at '': 'patternProperties' cannot use the expression '(a)\\1': RE2 cannot run it: a backreference)"},
    {R"({"$ref":"#/nothing"})",
     "invalid schema at '': '$ref' '#/nothing' cannot be resolved: nothing stands at '/nothing'"},
    {R"({"$ref":"#here"})",
     "invalid schema at '': '$ref' '#here' cannot be resolved: no anchor 'here' in ''"},
    {R"({"not":{"$ref":"http://example.com/a.json"}})",
     "invalid schema at '/not': '$ref' 'http://example.com/a.json' cannot be resolved: no schema "
     "is "
     "known as 'http://example.com/a.json'"},
    {R"({"$ref":"#/const","const":3})",
     "invalid schema at '': '$ref' '#/const' cannot be resolved: what stands at '/const' is no "
     "schema"},
    {R"({"$ref":1})", "invalid schema at '': '$ref' must be a string, not 1"},
    {R"({"$schema":"http://json-schema.org/draft-03/schema#"})",
     "invalid schema at '': '$schema' names an unknown dialect "
     "'http://json-schema.org/draft-03/schema#'"},
    {R"({"$id":"http://a/b#c"})",
     "invalid schema at '': '$id' must have no fragment: 'http://a/b#c'"},
    {R"({"$anchor":"1a"})",
     "invalid schema at '': '$anchor' must be a name of letters, digits, '-', '_' and '.' that "
     "starts with a letter"},
};

TEST(SchemaCompileTest, MistakesAreNamedWithTheirPlace) {
  for (const RefusedSchema& expected : kRefused) {
    const auto schema = Schema::compile(Json::parse(expected.schema));
    ASSERT_FALSE(schema.ok()) << expected.schema;
    EXPECT_EQ(schema.error().code(), Code::InvalidArgument) << expected.schema;
    EXPECT_EQ(schema.error().name(), "invalid_schema") << expected.schema;
    EXPECT_EQ(schema.error().message(), expected.message);
  }
}

TEST(SchemaCompileTest, UnknownDialectSaysWhichOnesThereAre) {
  const auto schema = Schema::compile(Json::parse(R"({"$schema":"urn:mine"})"));
  ASSERT_FALSE(schema.ok());
  EXPECT_EQ(schema.error().hint(),
            "use https://json-schema.org/draft/2020-12/schema or "
            "http://json-schema.org/draft-07/schema#");
}

TEST(SchemaCompileTest, ReferencesNeverReachTheNetworkOnlyTheLookup) {
  std::vector<std::string> asked;
  const Json other = Json::parse(R"({"type":"string"})");
  SchemaOptions options;
  options.lookup = [&](std::string_view uri) -> const Json* {
    asked.emplace_back(uri);
    return uri == "https://example.com/b.json" ? &other : nullptr;
  };
  const auto schema = Schema::compile(
      Json::parse(R"({"$id":"https://example.com/dir/../a.json","$ref":"b.json#"})"), options);
  ASSERT_TRUE(schema.ok()) << schema.error().message();
  EXPECT_EQ(asked, std::vector<std::string>{"https://example.com/b.json"});
  EXPECT_EQ(schema->validate(Json(5)).size(), 1U);
  EXPECT_TRUE(schema->validate(Json("a")).empty());
}

TEST(SchemaCompileTest, MetaschemasOfBothDraftsAreAtHand) {
  for (const char* uri : {"http://json-schema.org/draft-07/schema#",
                          "https://json-schema.org/draft/2020-12/schema"}) {
    const auto schema = Schema::compile(Json::object({{"$ref", uri}}));
    ASSERT_TRUE(schema.ok()) << schema.error().message();
    EXPECT_TRUE(schema->validate(Json::parse(R"({"type":"object","minLength":3})")).empty());
    EXPECT_FALSE(schema->validate(Json::parse(R"({"type":"objekt"})")).empty()) << uri;
    EXPECT_FALSE(schema->validate(Json::parse(R"({"not":{"minLength":-1}})")).empty()) << uri;
  }
}

TEST(SchemaCompileTest, TheDefaultDraftAppliesWithoutASchemaKeyword) {
  const Json tuple = Json::parse(R"({"items":[{"type":"null"}]})");
  EXPECT_FALSE(Schema::compile(tuple).ok());
  const auto schema = Schema::compile(tuple, {.default_draft = Draft::k7});
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(schema->validate(Json::parse("[1]")).size(), 1U);
}

TEST(SchemaCompileTest, FormatsAreAnnotationsWhenAsked) {
  const Json schema = Json::parse(R"({"format":"date"})");
  EXPECT_EQ(Schema::compile(schema)->validate(Json("x")).size(), 1U);
  EXPECT_TRUE(Schema::compile(schema, {.assert_formats = false})->validate(Json("x")).empty());
}

TEST(SchemaCompileTest, TheSchemaDocumentNeedNotOutliveTheCompilation) {
  auto document = std::make_unique<Json>(
      Json::parse(R"({"properties":{"a":{"enum":["x",{"y":1}],"pattern":"x"}},"required":["a"]})"));
  const auto schema = Schema::compile(*document);
  document.reset();
  EXPECT_TRUE(schema->validate(Json::parse(R"({"a":"x"})")).empty());
  EXPECT_EQ(schema->validate(Json::parse(R"({"a":"z"})")).size(), 2U);
}

TEST(SchemaCompileTest, SubschemasAtTheLimitPassAndOneMoreIsRefused) {
  Json branches = Json::array();
  for (int i = 0; i < 99; ++i) branches.push_back(Json::object({{"const", i}}));
  EXPECT_TRUE(Schema::compile(Json::object({{"anyOf", branches}}), {.nodes_max = 100}).ok());
  const auto refused = Schema::compile(Json::object({{"anyOf", branches}}), {.nodes_max = 99});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::ResourceExhausted);
  EXPECT_EQ(refused.error().name(), "schema_too_large");
  EXPECT_EQ(refused.error().message(), "a schema of more than 99 subschemas");
}

}  // namespace
}  // namespace tutti::json
