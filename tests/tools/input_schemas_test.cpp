// The arguments of tools as the models' providers take them. A provider refuses the whole request
// for one schema that it does not like, so a client of tutti could then say nothing to its model at
// all. The rules are what Anthropic, OpenAI (functions, strict or not) and Google (function
// declarations) have in common, less what clients are seen to translate.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "server/base/embedded.hpp"

namespace tutti::tools {
namespace {

using SchemaJson = nlohmann::json;

const std::set<std::string>& portableKeywords() {
  static const std::set<std::string> all = {
      "type",      "properties", "required", "items",    "enum",     "description",
      "default",   "minimum",    "maximum",  "minItems", "maxItems", "additionalProperties",
      "minLength", "maxLength",  "pattern",  "anyOf"};
  return all;
}

/// Collects what some provider refuses, each with its place.
class PortabilityCheck {
 public:
  explicit PortabilityCheck(const SchemaJson& root) {
    if (root.value("type", "") != "object" || !root.contains("properties"))
      complain("", "the root is no object with properties");
    if (root.contains("anyOf")) complain("", "anyOf at the root");
    visit(root, "", 0);
  }
  const std::string& complaints() const { return complaints_; }

 private:
  static constexpr int kDepthMax = 5;

  void complain(const std::string& at, const std::string& what) {
    complaints_ += at + ": " + what + "\n";
  }

  void visit(const SchemaJson& schema, const std::string& at, int depth) {
    if (depth > kDepthMax || !schema.is_object()) return complain(at, "too deep, or no schema");
    for (const auto& [keyword, value] : schema.items())
      if (!portableKeywords().contains(keyword)) complain(at, "keyword " + keyword);
    if (schema.contains("anyOf")) return visitChoice(schema, at, depth);
    visitType(schema, at);
    visitTexts(schema, at);
    const std::string type = typeOf(schema);
    if (type == "array" && !schema.value("items", SchemaJson()).is_object())
      complain(at, "an array that does not say what of");
    if (schema.contains("items")) visit(schema["items"], at + "[]", depth);
    const SchemaJson members = schema.value("properties", SchemaJson::object());
    for (const auto& [name, value] : members.items()) {
      if (!std::regex_match(name, std::regex("[A-Za-z_][A-Za-z0-9_]{0,63}")))
        complain(at, "the name " + name);
      visit(value, at + "/" + name, depth + 1);
    }
  }

  /// Vertex AI: where any_of is set, it must be the only field.
  void visitChoice(const SchemaJson& schema, const std::string& at, int depth) {
    if (schema.size() != 1 && !at.empty()) complain(at, "something beside anyOf");
    for (const SchemaJson& branch : schema["anyOf"]) visit(branch, at + "|", depth);
  }

  static std::string typeOf(const SchemaJson& schema) {
    const auto type = schema.find("type");
    return type != schema.end() && type->is_string() ? type->get<std::string>() : "";
  }

  /// One word; a list only for what may be null, which the clients for Google translate.
  void visitType(const SchemaJson& schema, const std::string& at) {
    const SchemaJson type = schema.value("type", SchemaJson());
    const bool nullable = type.is_array() && type.size() == 2 && type[1] == "null";
    if (!type.is_string() && !nullable) complain(at, "no type");
  }

  void visitTexts(const SchemaJson& schema, const std::string& at) {
    const SchemaJson allowed = schema.value("enum", SchemaJson::array());
    for (const SchemaJson& value : allowed)
      if (!value.is_string() || typeOf(schema) != "string") complain(at, "an enum of no texts");
    const std::string pattern = schema.value("pattern", "");
    if (std::regex_search(pattern, std::regex(R"(\(\?|\\[1-9pP])")))
      complain(at, "a pattern that not every engine has");
  }

  std::string complaints_;
};

std::string complaintsOf(const std::string& text) {
  return PortabilityCheck(SchemaJson::parse(text)).complaints();
}

TEST(InputSchemasTest, EveryModelsProviderTakesThem) {
  int seen = 0;
  for (const EmbeddedFile& file : embeddedFiles()) {
    if (!file.path.starts_with("schemas/") || !file.path.ends_with(".input.json")) continue;
    ++seen;
    EXPECT_EQ(complaintsOf(std::string(file.content)), "") << file.path;
  }
  EXPECT_GT(seen, 20);
}

TEST(InputSchemasTest, WhatAProviderRefusesIsNoticed) {
  const auto with = [](const std::string& member) {
    return complaintsOf(R"({"type":"object","properties":{"a":)" + member + "}}");
  };
  EXPECT_EQ(with(R"({"type":"string"})"), "");
  for (const char* bad :
       {R"({"enum":["x"]})", R"({"type":"array"})", R"({"$ref":"#/$defs/x"})", "{}",
        R"_({"type":"string","pattern":"^(?!a)"})_", R"({"type":"integer","enum":[1]})",
        R"({"type":"array","items":[{"type":"string"}]})", R"({"type":["string","integer"]})",
        R"({"anyOf":[{"type":"string"}],"description":"beside it"})"})
    EXPECT_NE(with(bad), "") << bad;
  EXPECT_NE(complaintsOf(R"({"type":"object","properties":{},"anyOf":[{"required":["a"]}]})"), "");
}

}  // namespace
}  // namespace tutti::tools
