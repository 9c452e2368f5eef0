// Keywords of objects. The members of an instance and the names of a schema are both sorted, so one
// walk over both finds what is declared, what is missing and what is additional.
#include <algorithm>

#include "server/json/schema/evaluator.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {
namespace {
constexpr std::ptrdiff_t kWalkMax = 16;  // names; in a longer list each member is searched for

using Names = std::vector<Property>;

/// The first name from `from` on that is not before `name`.
Names::const_iterator seek(Names::const_iterator from, Names::const_iterator end,
                           const std::string& name) {
  if (end - from > kWalkMax)
    return std::lower_bound(from, end, name, [](const Property& property, const std::string& key) {
      return property.name < key;
    });
  while (from != end && from->name < name) ++from;
  return from;
}

/// python-jsonschema's ending for a list of what should not be there.
std::string wasUnexpected(const std::vector<std::string>& texts) {
  return shownList(texts) + (texts.size() == 1 ? " was" : " were");
}
}  // namespace

bool Evaluator::objects(const ObjectRules& rules, const Json& value, Evaluated* seen) {
  bool valid = objectSize(rules, value);
  if (!valid && isStopping()) return false;
  if ((rules.visits_members || !rules.properties.empty()) && !members(rules, value, seen)) {
    valid = false;
    if (isStopping()) return false;
  }
  if (rules.names != nullptr && !names(rules, value)) {
    valid = false;
    if (isStopping()) return false;
  }
  return (rules.dependencies.empty() || dependencies(rules, value, seen)) && valid;
}

bool Evaluator::objectSize(const ObjectRules& rules, const Json& value) {
  const std::size_t size = value.get_ptr<const Json::object_t*>()->size();
  bool valid = true;
  if (size < rules.size_min) {
    valid = false;
    const char* problem =
        rules.size_min == 1 ? " should be non-empty" : " does not have enough properties";
    if (miss("minProperties", value, [&] { return shown(value) + problem; })) return false;
  }
  if (size > rules.size_max) {
    valid = false;
    const char* problem =
        rules.size_max == 0 ? " is expected to be empty" : " has too many properties";
    miss("maxProperties", value, [&] { return shown(value) + problem; });
  }
  return valid;
}

bool Evaluator::members(const ObjectRules& rules, const Json& value, Evaluated* seen) {
  const auto& all = *value.get_ptr<const Json::object_t*>();
  if (!spend(all.size() * (rules.patterns.size() + 1))) return false;
  bool valid = true;
  bool has_additional = false;
  std::size_t found = 0;  // of the required
  auto at = rules.properties.begin();
  for (const auto& [name, part] : all) {
    at = seek(at, rules.properties.end(), name);
    const Property* known = at != rules.properties.end() && at->name == name ? &*at : nullptr;
    found += known != nullptr && known->required ? 1 : 0;
    bool matched = false;
    if (!member(rules, known, name, part, matched)) {
      valid = false;
      if (isStopping()) return false;
    }
    if (!matched && rules.additional != nullptr) {
      has_additional = true;
      matched = true;
      if (!additionalMember(rules, name, part)) {
        valid = false;
        if (isStopping()) return false;
      }
    }
    if (matched && seen != nullptr) seen->parts.push_back(&part);
  }
  if (has_additional && !valid && errors_ != nullptr) reportAdditional(rules, value);
  const bool is_complete = found >= rules.required_count;
  if (!is_complete && errors_ != nullptr) reportRequired(rules, value);
  return valid && is_complete;
}

/// Applies what "properties" and "patternProperties" say of one member.
bool Evaluator::member(const ObjectRules& rules, const Property* known, const std::string& name,
                       const Json& value, bool& matched) {
  bool valid = true;
  if (known != nullptr && known->node != nullptr) {
    matched = true;
    At at(*this, "properties", known->name);
    at.member(name);
    valid = apply(*known->node, value, nullptr);
    if (!valid && isStopping()) return false;
  }
  for (const PatternProperty& pattern : rules.patterns) {
    if (!pattern.pattern->matches(name)) continue;
    matched = true;
    At at(*this, "patternProperties", std::string_view(pattern.pattern->source()));
    at.member(name);
    if (apply(*pattern.node, value, nullptr)) continue;
    valid = false;
    if (isStopping()) return false;
  }
  return valid;
}

/// One that "additionalProperties" applies to. A false schema is reported once for all of them.
bool Evaluator::additionalMember(const ObjectRules& rules, const std::string& name,
                                 const Json& value) {
  if (rules.additional->kind == Node::Kind::Nothing) return false;
  At at(*this, "additionalProperties");
  at.member(name);
  return apply(*rules.additional, value, nullptr);
}

void Evaluator::reportRequired(const ObjectRules& rules, const Json& value) {
  const auto& all = *value.get_ptr<const Json::object_t*>();
  for (const std::string& name : rules.required) {
    if (all.contains(name)) continue;
    if (miss("required", value, [&] { return shownText(name) + " is a required property"; }))
      return;
  }
}

bool Evaluator::isAdditional(const ObjectRules& rules, const std::string& name) const {
  const auto place = std::lower_bound(
      rules.properties.begin(), rules.properties.end(), name,
      [](const Property& property, const std::string& key) { return property.name < key; });
  if (place != rules.properties.end() && place->name == name && place->node != nullptr)
    return false;
  return std::none_of(
      rules.patterns.begin(), rules.patterns.end(),
      [&](const PatternProperty& pattern) { return pattern.pattern->matches(name); });
}

void Evaluator::reportAdditional(const ObjectRules& rules, const Json& value) {
  if (rules.additional->kind != Node::Kind::Nothing) return;
  std::vector<std::string> extra;
  for (const auto& [name, part] : *value.get_ptr<const Json::object_t*>())
    if (isAdditional(rules, name)) extra.push_back(name);
  miss("additionalProperties", value, [&] {
    if (rules.patterns.empty())
      return "Additional properties are not allowed (" + wasUnexpected(extra) + " unexpected)";
    std::vector<std::string> patterns;
    for (const PatternProperty& pattern : rules.patterns)
      patterns.push_back(pattern.pattern->source());
    return shownList(extra) + (extra.size() == 1 ? " does" : " do") +
           " not match any of the regexes: " + shownList(patterns);
  });
}

bool Evaluator::names(const ObjectRules& rules, const Json& value) {
  bool valid = true;
  for (const auto& [name, part] : *value.get_ptr<const Json::object_t*>()) {
    const Json text(name);
    At at(*this, "propertyNames");
    if (apply(*rules.names, text, nullptr)) continue;
    valid = false;
    if (isStopping()) return false;
  }
  return valid;
}

bool Evaluator::dependencies(const ObjectRules& rules, const Json& value, Evaluated* seen) {
  const auto& all = *value.get_ptr<const Json::object_t*>();
  bool valid = true;
  for (const Dependency& dependency : rules.dependencies) {
    if (!all.contains(dependency.name)) continue;
    if (dependency.schema != nullptr) {
      At at(*this, dependency.keyword, dependency.name);
      if (!apply(*dependency.schema, value, seen)) valid = false;
    }
    for (const std::string& name : dependency.required) {
      if (all.contains(name)) continue;
      valid = false;
      miss(dependency.keyword, value,
           [&] { return shownText(name) + " is a dependency of " + shownText(dependency.name); });
    }
    if (!valid && isStopping()) return false;
  }
  return valid;
}

bool Evaluator::unevaluatedProperties(const Node& node, const Json& value, Evaluated& seen) {
  if (seen.all) return true;
  std::sort(seen.parts.begin(), seen.parts.end());
  std::vector<std::string> failed;
  for (const auto& [name, part] : *value.get_ptr<const Json::object_t*>()) {
    if (std::binary_search(seen.parts.begin(), seen.parts.end(), &part)) continue;
    if (branch(*node.unevaluated_properties, part, nullptr)) continue;
    if (errors_ == nullptr || aborted_ != nullptr) return false;
    failed.push_back(name);
  }
  if (failed.empty()) return true;
  miss("unevaluatedProperties", value, [&] {
    const bool none = node.unevaluated_properties->kind == Node::Kind::Nothing;
    if (none)
      return "Unevaluated properties are not allowed (" + wasUnexpected(failed) + " unexpected)";
    return "Unevaluated properties are not valid under the given schema (" + wasUnexpected(failed) +
           " unevaluated and invalid)";
  });
  return false;
}

}  // namespace tutti::json::schema
