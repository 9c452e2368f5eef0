// Schemas and instances made to cost much: each ends soon, with an answer or with a named bound.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "server/json/schema/schema.hpp"

namespace tutti::json {
namespace {

Schema compiled(const Json& schema, SchemaOptions options = {}) {
  auto result = Schema::compile(schema, std::move(options));
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message());
  return result.ok() ? std::move(result).value() : Schema::compile(Json(true)).value();
}

void expectBound(const std::vector<SchemaError>& errors, const std::string& bound) {
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors.back().message.find("validation stopped at " + bound), 0U)
      << errors.back().message;
}

Json deepArray(int depth) {
  Json value = Json::array();
  for (int i = 1; i < depth; ++i) {
    Json outer = Json::array();
    outer.push_back(std::move(value));
    value = std::move(outer);
  }
  return value;
}

/// a0 applies a1 twice, a1 applies a2 twice, …
Json ladder(int rungs, const char* keyword) {
  Json schema = Json::object({{"$ref", "#/$defs/a0"}});
  for (int i = 0; i < rungs; ++i) {
    const Json next = Json::object({{"$ref", "#/$defs/a" + std::to_string(i + 1)}});
    schema["$defs"]["a" + std::to_string(i)][keyword] = Json::array({next, next});
  }
  schema["$defs"]["a" + std::to_string(rungs)] = Json::object({{"type", "string"}});
  return schema;
}

TEST(SchemaHostileTest, ReferencesInACircleStopAtDepthMax) {
  for (const char* text :
       {R"({"$ref":"#"})", R"({"allOf":[{"$ref":"#"},{"$ref":"#"}]})",
        R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})",
        R"({"not":{"$ref":"#"}})", R"({"anyOf":[{"$ref":"#"},{"$ref":"#"}]})",
        R"({"$dynamicAnchor":"n","oneOf":[{"$dynamicRef":"#n"},{"$dynamicRef":"#n"}]})",
        R"({"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"}})"}) {
    const auto errors = compiled(Json::parse(text)).validate(Json(1));
    ASSERT_EQ(errors.size(), 1U) << text;
    expectBound(errors, "depth_max (256)");
  }
}

TEST(SchemaHostileTest, DepthAtTheLimitPassesAndOneMoreStops) {
  const Json tree = Json::parse(R"({"type":"array","items":{"$ref":"#"}})");
  // Each level of the instance applies the schema and the reference to it.
  const Schema schema = compiled(tree, {.depth_max = 9});
  EXPECT_TRUE(schema.validate(deepArray(5)).empty());
  expectBound(schema.validate(deepArray(6)), "depth_max (9)");
}

TEST(SchemaHostileTest, DeepInstancesNeitherOverflowNorPass) {
  const Json deep = deepArray(10'000);
  expectBound(compiled(Json::parse(R"({"items":{"$ref":"#"}})")).validate(deep), "depth_max (256)");
  // Moved, for nlohmann copies level by level on the stack.
  Json deep_twice = Json::array();
  for (int i = 0; i < 2; ++i) deep_twice.push_back(deepArray(10'000));
  EXPECT_EQ(compiled(Json::parse(R"({"uniqueItems":true})")).validate(deep_twice).size(), 1U);
  EXPECT_EQ(compiled(Json::parse(R"({"items":false})")).validate(deep_twice).size(), 1U);
  EXPECT_EQ(compiled(Json::parse(R"({"const":[[[]]]})")).validate(deep).size(), 1U);
  EXPECT_EQ(compiled(Json::parse(R"({"enum":[1,2,3,4,5,6,7,8,9,10]})")).validate(deep).size(), 1U);
  Json deep_const = Json::object();
  deep_const["const"] = deepArray(10'000);
  EXPECT_FALSE(Schema::compile(deep_const).ok());
}

TEST(SchemaHostileTest, DeepSchemasCompileWithoutRecursion) {
  Json schema = Json::object({{"type", "string"}});
  for (int i = 0; i < 5'000; ++i) {
    Json outer = Json::object();
    outer["not"] = std::move(schema);
    schema = std::move(outer);
  }
  expectBound(compiled(schema).validate(Json(1)), "depth_max (256)");
}

TEST(SchemaHostileTest, LaddersStopAtStepsMax) {
  for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
    const Schema schema = compiled(ladder(40, keyword), {.steps_max = 100'000});
    const auto errors =
        schema.validate(Json(keyword == std::string("anyOf") ? Json(1) : Json("a")));
    if (keyword != std::string("oneOf")) expectBound(errors, "steps_max (100000)");
    EXPECT_FALSE(errors.empty());
  }
}

TEST(SchemaHostileTest, StepsAtTheLimitPassAndOneMoreStops) {
  const Json items = Json::parse(R"({"items":{"type":"integer"}})");
  const Json ten = Json::parse("[1,2,3,4,5,6,7,8,9,10]");
  EXPECT_TRUE(compiled(items, {.steps_max = 11}).validate(ten).empty());
  expectBound(compiled(items, {.steps_max = 10}).validate(ten), "steps_max (10)");
}

TEST(SchemaHostileTest, AnnotationsOfALadderStayBounded) {
  Json schema = ladder(30, "allOf");
  schema["$defs"]["a30"] = Json::parse(R"({"properties":{"a":{},"b":{},"c":{}}})");
  schema["unevaluatedProperties"] = false;
  const Schema small = compiled(schema, {.steps_max = 100'000});
  expectBound(small.validate(Json::parse(R"({"a":1,"b":2,"c":3})")), "steps_max (100000)");
}

TEST(SchemaHostileTest, SchemaOf100000BranchesIsRefusedAndOfLessWorks) {
  Json branches = Json::array();
  for (int i = 0; i < 99'999; ++i) branches.push_back(Json::object({{"const", i}}));
  Json schema = Json::object({{"oneOf", branches}});
  const Schema large = compiled(schema);
  EXPECT_TRUE(large.validate(Json(77'777)).empty());
  EXPECT_EQ(large.validate(Json("x")).size(), 1U);
  schema["oneOf"].push_back(true);
  const auto refused = Schema::compile(schema);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "schema_too_large");
}

TEST(SchemaHostileTest, PatternsThatExplodeElsewhereAreLinearHere) {
  const std::string long_text(1'000'000, 'a');
  for (const char* pattern : {"(a+)+$", "^(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"}) {
    const Schema schema = compiled(Json::object({{"pattern", pattern}}));
    EXPECT_EQ(schema.validate(Json(long_text + "!")).size(), 1U) << pattern;
  }
}

TEST(SchemaHostileTest, PatternsThatWouldFillMemoryAreRefused) {
  for (const char* pattern : {"((a{1000}){1000}){1000}", "(((x{1,999}){1,999}){1,999})",
                              "((((((a{1001}){1001}){1001}){1001}){1001}){1001})", "a{99999}"}) {
    const auto schema = Schema::compile(Json::object({{"pattern", pattern}}));
    ASSERT_FALSE(schema.ok()) << pattern;
    EXPECT_EQ(schema.error().name(), "invalid_schema");
  }
  const auto nested = Schema::compile(
      Json::object({{"pattern", std::string(100'000, '(') + std::string(100'000, ')')}}));
  ASSERT_FALSE(nested.ok());
}

TEST(SchemaHostileTest, LargeListsOfChoicesAndUniqueItemsAreNotQuadratic) {
  Json many = Json::array();
  for (int i = 0; i < 50'000; ++i) many.push_back("choice " + std::to_string(i));
  Json schema = Json::object({{"uniqueItems", true}});
  schema["items"]["enum"] = many;
  EXPECT_TRUE(compiled(schema).validate(many).empty());
  many.push_back("choice 7");
  EXPECT_EQ(compiled(schema).validate(many).size(), 1U);
}

TEST(SchemaHostileTest, OneSchemaServesFourThreadsAtOnce) {
  const Schema schema = compiled(Json::parse(
      R"({"type":"object","required":["name"],"unevaluatedProperties":false,
          "properties":{"name":{"type":"string","pattern":"^[a-z]+$","format":"hostname"},
                        "tree":{"$ref":"#/$defs/tree"}},
          "$defs":{"tree":{"type":"array","items":{"$ref":"#/$defs/tree"}}}})"));
  const Json good = Json::parse(R"({"name":"abc","tree":[[],[[]]]})");
  const Json bad = Json::parse(R"({"name":"ABC","tree":[1],"more":true})");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        EXPECT_TRUE(schema.validate(good).empty());
        EXPECT_EQ(schema.validate(bad).size(), 3U);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tutti::json
