#include "server/json/schema/evaluator.hpp"

#include <algorithm>

#include "server/json/schema/equal.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {
namespace {
std::uint8_t typesOf(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return kNull;
    case Json::value_t::boolean:
      return kBoolean;
    case Json::value_t::string:
      return kString;
    case Json::value_t::array:
      return kArray;
    case Json::value_t::object:
      return kObject;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return kInteger | kNumber;
    case Json::value_t::number_float:
      return isIntegral(value) ? kInteger | kNumber : kNumber;
    default:
      return 0;
  }
}

std::string typeNames(std::uint8_t types) {
  std::vector<std::string> names;
  for (const auto& [bit, name] :
       {std::pair{kNull, "null"}, std::pair{kBoolean, "boolean"}, std::pair{kInteger, "integer"},
        std::pair{kNumber, "number"}, std::pair{kString, "string"}, std::pair{kArray, "array"},
        std::pair{kObject, "object"}})
    if ((types & bit) != 0) names.emplace_back(name);
  return shownList(names);
}

std::size_t countCharacters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}
}  // namespace

bool Evaluator::check(const Json& instance) {
  return apply(*program_.root, instance, nullptr) && aborted_ == nullptr;
}

std::vector<SchemaError> Evaluator::explain(const Json& instance) {
  std::vector<SchemaError> errors;
  errors_ = &errors;
  steps_ = 0;
  apply(*program_.root, instance, nullptr);
  errors_ = nullptr;
  if (aborted_ == nullptr) return errors;
  if (errors.size() >= options_.errors_max && !errors.empty()) errors.pop_back();
  errors.push_back(bound());
  return errors;
}

SchemaError Evaluator::bound() const {
  const std::string name = aborted_ == nullptr ? "" : aborted_;
  const bool deep = name == "depth_max";
  const std::size_t limit = deep ? options_.depth_max : options_.steps_max;
  std::string message = "validation stopped at " + name + " (" + std::to_string(limit) + "): ";
  message += deep ? "schemas apply each other deeper than that" : "it takes more steps than that";
  return {.instance_path = "", .schema_path = "", .value = "", .message = std::move(message)};
}

bool Evaluator::abort(const char* bound) {
  aborted_ = bound;
  return false;
}

bool Evaluator::spend(std::size_t steps) {
  steps_ += steps;
  return steps_ <= options_.steps_max || abort("steps_max");
}

bool Evaluator::isStopping() const {
  return errors_ == nullptr || aborted_ != nullptr || errors_->size() >= options_.errors_max;
}

bool Evaluator::apply(const Node& node, const Json& value, Evaluated* seen) {
  if (aborted_ != nullptr || !spend(1)) return false;
  if (node.kind == Node::Kind::Anything) return true;
  if (node.kind == Node::Kind::Nothing) {
    miss("", value, [&] { return "False schema does not allow " + shown(value); });
    return false;
  }
  if (depth_ >= options_.depth_max) return abort("depth_max");
  ++depth_;
  bool valid = false;
  if (program_.is_dynamic && (scope_ == nullptr || scope_->resource != node.resource)) {
    const Scope scope{node.resource, scope_};
    scope_ = &scope;
    valid = applyTracking(node, value, seen);
    scope_ = scope.outer;
  } else {
    valid = applyTracking(node, value, seen);
  }
  --depth_;
  return valid;
}

/// A schema with an "unevaluated…" keyword keeps its own account: it must not see what its
/// neighbours evaluated, but its neighbours' parents see what it did.
bool Evaluator::applyTracking(const Node& node, const Json& value, Evaluated* seen) {
  const bool tracks = (node.unevaluated_properties != nullptr && value.is_object()) ||
                      (node.unevaluated_items != nullptr && value.is_array());
  if (!tracks) return applyRules(node, value, seen);
  Evaluated own;
  bool valid = applyRules(node, value, &own);
  if (!valid && isStopping()) return false;
  const bool rest = value.is_object() ? unevaluatedProperties(node, value, own)
                                      : unevaluatedItems(node, value, own);
  if (seen != nullptr) seen->all = true;  // evaluated by others or by the keyword just now
  return valid && rest;
}

bool Evaluator::applyRules(const Node& node, const Json& value, Evaluated* seen) {
  bool valid = node.types == 0 || type(node, value);
  if (!valid && isStopping()) return false;
  if (node.value != nullptr && !values(*node.value, value)) {
    valid = false;
    if (isStopping()) return false;
  }
  if (!byType(node, value, seen)) {
    valid = false;
    if (isStopping()) return false;
  }
  if (node.logic != nullptr && !logic(*node.logic, value, seen)) valid = false;
  return valid;
}

bool Evaluator::byType(const Node& node, const Json& value, Evaluated* seen) {
  switch (value.type()) {
    case Json::value_t::object:
      return node.object == nullptr || objects(*node.object, value, seen);
    case Json::value_t::array:
      return node.array == nullptr || arrays(*node.array, value, seen);
    case Json::value_t::string:
      return node.string == nullptr || strings(*node.string, value);
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return node.number == nullptr || numbers(*node.number, value);
    default:
      return true;
  }
}

bool Evaluator::type(const Node& node, const Json& value) {
  if ((node.types & typesOf(value)) != 0) return true;
  miss("type", value, [&] { return shown(value) + " is not of type " + typeNames(node.types); });
  return false;
}

bool Evaluator::values(const ValueRules& rules, const Json& value) {
  bool valid = true;
  if (rules.constant && !isEqual(*rules.constant, value)) {
    valid = false;
    if (miss("const", value, [&] { return shown(*rules.constant) + " was expected"; }))
      return false;
  }
  if (rules.choices && !isChoice(rules, value)) {
    valid = false;
    miss("enum", value, [&] {
      return shown(value) + " is not one of " + shown(*rules.choices, kShownChoicesMax);
    });
  }
  return valid;
}

bool Evaluator::isChoice(const ValueRules& rules, const Json& value) const {
  const auto& choices = *rules.choices->get_ptr<const Json::array_t*>();
  if (rules.by_hash.empty())
    return std::any_of(choices.begin(), choices.end(),
                       [&](const Json& choice) { return isEqual(choice, value); });
  const std::uint64_t hash = hashOf(value);
  auto place = std::lower_bound(rules.by_hash.begin(), rules.by_hash.end(),
                                std::pair<std::uint64_t, std::uint32_t>(hash, 0));
  for (; place != rules.by_hash.end() && place->first == hash; ++place)
    if (isEqual(choices[place->second], value)) return true;
  return false;
}

bool Evaluator::numbers(const NumberRules& rules, const Json& value) {
  struct Bound {
    std::string_view keyword;
    const std::optional<Json>& limit;
    bool (*fails)(int order);
    std::string_view text;
  };
  const Bound bounds[] = {
      {"minimum", rules.minimum, [](int order) { return order < 0; },
       " is less than the minimum of "},
      {"maximum", rules.maximum, [](int order) { return order > 0; },
       " is greater than the maximum of "},
      {"exclusiveMinimum", rules.exclusive_minimum, [](int order) { return order <= 0; },
       " is less than or equal to the minimum of "},
      {"exclusiveMaximum", rules.exclusive_maximum, [](int order) { return order >= 0; },
       " is greater than or equal to the maximum of "}};
  bool valid = true;
  for (const Bound& bound : bounds) {
    if (!bound.limit || !bound.fails(compareNumbers(value, *bound.limit))) continue;
    valid = false;
    if (miss(bound.keyword, value,
             [&] { return shown(value).append(bound.text) + shown(*bound.limit); }))
      return false;
  }
  if (rules.multiple_of && !isMultiple(value, rules.divisor)) {
    valid = false;
    miss("multipleOf", value,
         [&] { return shown(value) + " is not a multiple of " + shown(*rules.multiple_of); });
  }
  return valid;
}

bool Evaluator::strings(const StringRules& rules, const Json& value) {
  const std::string& text = *value.get_ptr<const Json::string_t*>();
  bool valid = true;
  // A character has one to four bytes, so that counting is seldom needed.
  if (text.size() / 4 < rules.length_min && countCharacters(text) < rules.length_min) {
    valid = false;
    const char* problem = rules.length_min == 1 ? " should be non-empty" : " is too short";
    if (miss("minLength", value, [&] { return shown(value) + problem; })) return false;
  }
  if (text.size() > rules.length_max && countCharacters(text) > rules.length_max) {
    valid = false;
    const char* problem = rules.length_max == 0 ? " is expected to be empty" : " is too long";
    if (miss("maxLength", value, [&] { return shown(value) + problem; })) return false;
  }
  if (rules.pattern != nullptr && !rules.pattern->matches(text)) {
    valid = false;
    if (miss("pattern", value, [&] {
          return shown(value) + " does not match " + shownText(rules.pattern->source());
        }))
      return false;
  }
  if (rules.format != nullptr && !rules.format->accepts(text)) {
    valid = false;
    miss("format", value,
         [&] { return shown(value) + " is not a " + shownText(rules.format->name); });
  }
  return valid;
}

}  // namespace tutti::json::schema
