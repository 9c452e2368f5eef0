// What validation costs: nothing from the heap for a valid instance, and about a microsecond of
// time.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>

#include "server/json/schema/schema.hpp"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TUTTI_OWN_HEAP 0  // ThreadSanitizer's runtime has these operators already
#endif
#endif
#ifndef TUTTI_OWN_HEAP
#define TUTTI_OWN_HEAP 1
#endif

namespace {
thread_local std::size_t t_allocations = 0;
}

#if TUTTI_OWN_HEAP
// Counts what the whole executable takes from the heap.
void* operator new(std::size_t size) {
  ++t_allocations;
  if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
  throw std::bad_alloc();
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}
#endif

namespace tutti::json {
namespace {

Schema toolInput() {
  return Schema::compile(
             Json::parse(R"({"type":"object","additionalProperties":false,"required":["prompt"],
      "properties":{"blueprint":{"type":"string","minLength":1},"prompt":{"type":"string"},
                    "mode":{"enum":["sync","async_poll","async_callback"]},
                    "wait_s":{"type":"integer","minimum":0,"maximum":45},
                    "parameters":{"type":"object"}}})"))
      .value();
}

Json goodInput() {
  return Json::parse(R"({"blueprint":"repo-survey","prompt":"look at this repository and report",
      "mode":"async_poll","wait_s":10,"parameters":{"path":"/x","depth":3}})");
}

std::size_t allocationsOf(const Schema& schema, const Json& instance) {
  const std::size_t before = t_allocations;
  const auto errors = schema.validate(instance);
  EXPECT_TRUE(errors.empty()) << errorsText(errors);
  return t_allocations - before;
}

TEST(SchemaCostTest, ValidInstanceTakesNothingFromTheHeap) {
  const std::size_t before = t_allocations;
  const auto probe = std::make_unique<int>(1);
  ASSERT_EQ(t_allocations, before + TUTTI_OWN_HEAP) << "nobody counts " << *probe;
  EXPECT_EQ(allocationsOf(toolInput(), goodInput()), 0U);
  const char* cases[][2] = {
      {R"({"type":"object"})", R"({"a":1})"},
      {R"({"anyOf":[{"type":"null"},{"properties":{"a":{"oneOf":[{"const":1},{"const":2}]}}}]})",
       R"({"a":1})"},
      {R"({"$ref":"#/$defs/t","$defs":{"t":{"items":{"$ref":"#/$defs/t"},"not":{"type":"null"}}}})",
       "[[],[[1]]]"},
      {R"({"patternProperties":{"^a":{"multipleOf":0.01}},"if":{"minProperties":1},"then":true})",
       R"({"ab":0.5})"},
  };
  for (const auto& [schema, instance] : cases) {
    const auto compiled = Schema::compile(Json::parse(schema));
    const Json value = Json::parse(instance);
    compiled->validate(value);  // RE2 fills its caches the first time
    EXPECT_EQ(allocationsOf(*compiled, value), 0U) << schema;
  }
}

TEST(SchemaCostTest, TimeOfOneValidationIsReported) {
  constexpr int kRounds = 20'000;
  const Schema tool = toolInput();
  const Schema object = Schema::compile(Json::parse(R"({"type":"object"})")).value();
  const Json input = goodInput();
  for (const auto& [name, schema] :
       {std::pair{"five properties", &tool}, std::pair{"type object", &object}}) {
    const auto start = std::chrono::steady_clock::now();
    std::size_t errors = 0;
    for (int i = 0; i < kRounds; ++i) errors += schema->validate(input).size();
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(errors, 0U);
    std::cout << name << ": " << static_cast<int>(spent.count() / kRounds) << " ns a validation"
              << std::endl;
  }
}

}  // namespace
}  // namespace tutti::json
