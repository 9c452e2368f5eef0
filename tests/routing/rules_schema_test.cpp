// schemas/routing.json and the shipped rule files agree, and so do the schema and the reader.
#include <gtest/gtest.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "server/agents/blueprint_yaml.hpp"
#include "server/base/embedded.hpp"
#include "server/json/schema/schema.hpp"
#include "tests/routing/rules_support.hpp"

namespace tutti::routing {
namespace {

/// Scalars as an editor's YAML has them: numbers and booleans, where the text is one.
Json typed(const Json& value) {
  if (value.is_array() || value.is_object()) {
    Json copy = value;
    for (auto at = copy.begin(); at != copy.end(); ++at) at.value() = typed(at.value());
    return copy;
  }
  if (!value.is_string()) return value;
  const std::string text = value.get<std::string>();
  if (text == "true" || text == "false") return text == "true";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return value;
}

std::string misses(std::string_view yaml) {
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (file.path != "schemas/routing.json") continue;
    auto schema = json::Schema::compile(*json::parse(file.content));
    if (!schema.ok()) return schema.error().text();
    auto document = agents::parseYamlDocument(yaml, {.nodes_max = 100'000});
    if (!document.ok()) return document.error().text();
    return json::errorsText(schema->validate(typed(document->value)));
  }
  return "schemas/routing.json is not embedded";
}

TEST(RoutingSchema, EachShippedFilePassesIt) {
  const std::vector<RuleFile> files = shippedRuleFiles({"amas", "nephio", "pantheros"});
  EXPECT_EQ(files.size(), 6U);
  for (const RuleFile& file : files) EXPECT_EQ(misses(file.content), "") << file.source;
}

TEST(RoutingSchema, RefusesWhatTheReaderRefuses) {
  for (const char* wrong :
       {"strategy: {}", "signals: {a: [{term: b, weight: 1.5}]}", "complexity: {huge: [big]}",
        "strategies: {a: {description: x}}",
        "strategies: {a: {description: x, then: {type: team}}}",
        "strategies: {a: {description: x, priority: 2000, then: {type: clarify}}}",
        "strategies: {a: {description: x, when: {all: []}, then: {type: clarify}}}",
        "workflows: {w: {description: x, steps: [writer]}}", "swarms: {s: {domains: {}}}",
        "gates: {g: {description: x, agent: writer, action: y, at: middle}}",
        "nobody: {weather: {unless: [rain]}}"}) {
    EXPECT_NE(misses(wrong), "") << wrong;
    EXPECT_FALSE(loadRules({{"f", wrong}}, {{"writer", "writer"}}).problems.empty()) << wrong;
  }
}

}  // namespace
}  // namespace tutti::routing
