// Keywords that look at a value alone: type, enum, const, numbers, strings, format.
#include <algorithm>
#include <array>
#include <cmath>

#include "server/json/schema/compiler.hpp"
#include "server/json/schema/equal.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {
namespace {
constexpr std::size_t kLinearChoicesMax = 8;

struct TypeName {
  std::string_view name;
  TypeBit bit;
};
constexpr std::array<TypeName, 7> kTypes{{{"null", kNull},
                                          {"boolean", kBoolean},
                                          {"integer", kInteger},
                                          {"number", kNumber},
                                          {"string", kString},
                                          {"array", kArray},
                                          {"object", kObject}}};

std::uint8_t typeBit(const Json& name) {
  const auto* text = name.get_ptr<const Json::string_t*>();
  for (const TypeName& type : kTypes)
    if (text != nullptr && *text == type.name) return type.bit;
  return 0;
}
}  // namespace

Status Compiler::compileType(const Json& value) {
  const auto* several = value.get_ptr<const Json::array_t*>();
  if (several == nullptr && !value.is_string())
    return wrongType("type", "a string or an array of strings", value);
  const auto add = [this](const Json& name) {
    const std::uint8_t bit = typeBit(name);
    work_.node->types |= bit;
    return bit != 0;
  };
  if (several == nullptr)
    return add(value) ? ok() : Status(wrong("'type' names the unknown type " + shown(value)));
  if (several->empty()) return wrong("'type' must not be empty");
  for (const Json& name : *several)
    if (!add(name)) return wrong("'type' names the unknown type " + shown(name));
  return ok();
}

Status Compiler::compileValues(const Object& schema) {
  if (const Json* type = member(schema, "type"))
    if (Status done = compileType(*type); !done.ok()) return done;
  const Json* constant = member(schema, "const");
  const Json* choices = member(schema, "enum");
  if (constant == nullptr && choices == nullptr) return ok();
  for (const Json* value : {constant, choices})
    if (value != nullptr && isDeeperThan(*value, options_.depth_max))
      return wrong("'const' or 'enum' is nested deeper than " + std::to_string(options_.depth_max) +
                   " levels");
  ValueRules& rules = made(work_.node->value);
  if (constant != nullptr) rules.constant.emplace(*constant);
  if (choices == nullptr) return ok();
  if (!choices->is_array()) return wrongType("enum", "an array", *choices);
  rules.choices.emplace(*choices);
  if (choices->size() <= kLinearChoicesMax) return ok();
  std::uint32_t index = 0;
  for (const Json& choice : *rules.choices) rules.by_hash.emplace_back(hashOf(choice), index++);
  std::sort(rules.by_hash.begin(), rules.by_hash.end());
  return ok();
}

Status Compiler::compileNumbers(const Object& schema) {
  struct Bound {
    std::string_view keyword;
    std::optional<Json> NumberRules::*to;
  };
  constexpr std::array<Bound, 5> kBounds{{{"minimum", &NumberRules::minimum},
                                          {"maximum", &NumberRules::maximum},
                                          {"exclusiveMinimum", &NumberRules::exclusive_minimum},
                                          {"exclusiveMaximum", &NumberRules::exclusive_maximum},
                                          {"multipleOf", &NumberRules::multiple_of}}};
  for (const Bound& bound : kBounds) {
    const Json* value = member(schema, bound.keyword);
    if (value == nullptr) continue;
    if (!value->is_number()) return wrongType(bound.keyword, "a number", *value);
    (numberRules().*bound.to).emplace(*value);
  }
  if (work_.node->number == nullptr || !numberRules().multiple_of) return ok();
  const Json& step = *numberRules().multiple_of;
  if (compareNumbers(step, Json(0)) <= 0) return wrongType("multipleOf", "above zero", step);
  numberRules().divisor = decimalOf(step);
  return ok();
}

Status Compiler::readLimit(const Object& schema, std::string_view keyword, std::size_t& limit) {
  const Json* value = member(schema, keyword);
  if (value == nullptr) return ok();
  if (!value->is_number() || !isIntegral(*value) || compareNumbers(*value, Json(0)) < 0)
    return wrongType(keyword, "a non-negative integer", *value);
  constexpr std::uint64_t kSaturated = std::uint64_t{1} << 62;
  const bool fits = compareNumbers(*value, Json(kSaturated)) < 0;
  const auto* fraction = value->get_ptr<const Json::number_float_t*>();
  limit = kSaturated;
  if (fits)
    limit = fraction != nullptr ? static_cast<std::size_t>(*fraction) : value->get<std::size_t>();
  return ok();
}

Status Compiler::compileStrings(const Object& schema) {
  if (member(schema, "minLength") != nullptr || member(schema, "maxLength") != nullptr) {
    if (Status done = readLimit(schema, "minLength", stringRules().length_min); !done.ok())
      return done;
    if (Status done = readLimit(schema, "maxLength", stringRules().length_max); !done.ok())
      return done;
  }
  const Json* pattern = member(schema, "pattern");
  if (pattern == nullptr) return ok();
  const auto* text = pattern->get_ptr<const Json::string_t*>();
  if (text == nullptr) return wrongType("pattern", "a string", *pattern);
  const auto compiled = patternFor("pattern", *text);
  if (!compiled.ok()) return compiled.error();
  stringRules().pattern = *compiled;
  return ok();
}

Status Compiler::compileFormat(const Object& schema) {
  const Json* value = member(schema, "format");
  if (value == nullptr) return ok();
  const auto* name = value->get_ptr<const Json::string_t*>();
  if (name == nullptr) return wrongType("format", "a string", *value);
  if (!options_.assert_formats && !dialect().format_assertion) return ok();
  if (const Format* format = findFormat(*name)) stringRules().format = format;
  return ok();
}

Result<const Pattern*> Compiler::patternFor(std::string_view keyword, const std::string& text) {
  auto& patterns = program_->patterns;
  const auto known = patterns.find(text);
  if (known != patterns.end()) return static_cast<const Pattern*>(&known->second);
  auto compiled = Pattern::compile(text);
  if (!compiled.ok())
    return wrong("'" + std::string(keyword) + "' cannot use the expression " + shownText(text) +
                 ": " + compiled.error().message());
  const auto placed = patterns.emplace(text, std::move(compiled).value()).first;
  return static_cast<const Pattern*>(&placed->second);
}

}  // namespace tutti::json::schema
