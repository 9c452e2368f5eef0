// Keywords of arrays.
#include <algorithm>

#include "server/json/schema/equal.hpp"
#include "server/json/schema/evaluator.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {

bool Evaluator::arrays(const ArrayRules& rules, const Json& value, Evaluated* seen) {
  bool valid = arraySize(rules, value);
  if (!valid && isStopping()) return false;
  if (!items(rules, value, seen)) {
    valid = false;
    if (isStopping()) return false;
  }
  return (rules.contains == nullptr || contains(rules, value, seen)) && valid;
}

bool Evaluator::arraySize(const ArrayRules& rules, const Json& value) {
  const std::size_t size = value.get_ptr<const Json::array_t*>()->size();
  bool valid = true;
  if (size < rules.size_min) {
    valid = false;
    const char* problem = rules.size_min == 1 ? " should be non-empty" : " is too short";
    if (miss("minItems", value, [&] { return shown(value) + problem; })) return false;
  }
  if (size > rules.size_max) {
    valid = false;
    const char* problem = rules.size_max == 0 ? " is expected to be empty" : " is too long";
    if (miss("maxItems", value, [&] { return shown(value) + problem; })) return false;
  }
  if (rules.unique && (!spend(size) || !isUnique(value))) {
    valid = false;
    miss("uniqueItems", value, [&] { return shown(value) + " has non-unique elements"; });
  }
  return valid;
}

bool Evaluator::items(const ArrayRules& rules, const Json& value, Evaluated* seen) {
  const auto& all = *value.get_ptr<const Json::array_t*>();
  const std::size_t fixed = std::min(rules.prefix.size(), all.size());
  bool valid = true;
  for (std::size_t i = 0; i < fixed; ++i) {
    At at(*this, rules.prefix_keyword, i);
    at.item(i);
    if (apply(*rules.prefix[i], all[i], nullptr)) continue;
    valid = false;
    if (isStopping()) return false;
  }
  if (seen != nullptr && !seen->all && spend(fixed))
    for (std::size_t i = 0; i < fixed; ++i) seen->parts.push_back(&all[i]);
  if (rules.rest == nullptr) return valid;
  if (seen != nullptr) seen->all = true;
  if (fixed == all.size() || rules.rest->kind == Node::Kind::Anything) return valid;
  if (rules.rest->kind == Node::Kind::Nothing) {
    miss(rules.rest_keyword, value, [&] {
      const std::size_t extra = all.size() - fixed;
      return "Expected at most " + std::to_string(fixed) + (fixed == 1 ? " item" : " items") +
             " but found " + std::to_string(extra) +
             " extra: " + (extra == 1 ? shown(all.back()) : shownFrom(value, fixed));
    });
    return false;
  }
  for (std::size_t i = fixed; i < all.size(); ++i) {
    At at(*this, rules.rest_keyword);
    at.item(i);
    if (apply(*rules.rest, all[i], nullptr)) continue;
    valid = false;
    if (isStopping()) return false;
  }
  return valid;
}

bool Evaluator::contains(const ArrayRules& rules, const Json& value, Evaluated* seen) {
  const auto& all = *value.get_ptr<const Json::array_t*>();
  Evaluated* marks = rules.contains_evaluates ? seen : nullptr;
  std::size_t matches = 0;
  for (const Json& item : all) {
    const Quiet quiet(*this);
    // Enough is known once neither the maximum nor the annotations can change the answer.
    if (marks == nullptr && matches >= rules.contains_min && rules.contains_max == kNoLimit) break;
    if (!apply(*rules.contains, item, nullptr)) continue;
    ++matches;
    if (marks != nullptr) marks->parts.push_back(&item);
  }
  if (matches > rules.contains_max) {
    miss("maxContains", value, [&] {
      return "Too many items match the given schema (expected at most " +
             std::to_string(rules.contains_max) + ")";
    });
    return false;
  }
  if (matches >= rules.contains_min) return true;
  miss(matches == 0 ? "contains" : "minContains", value, [&] {
    if (matches == 0 && !rules.contains_evaluates)  // as draft-07's validator words it
      return "None of " + shown(value) + " are valid under the given schema";
    if (matches == 0) return shown(value) + " does not contain items matching the given schema";
    return "Too few items match the given schema (expected at least " +
           std::to_string(rules.contains_min) + " but only " + std::to_string(matches) +
           " matched)";
  });
  return false;
}

bool Evaluator::unevaluatedItems(const Node& node, const Json& value, Evaluated& seen) {
  if (seen.all) return true;
  std::sort(seen.parts.begin(), seen.parts.end());
  std::size_t failed = 0;
  std::string list;
  for (const Json& item : *value.get_ptr<const Json::array_t*>()) {
    if (std::binary_search(seen.parts.begin(), seen.parts.end(), &item)) continue;
    if (branch(*node.unevaluated_items, item, nullptr)) continue;
    if (errors_ == nullptr || aborted_ != nullptr) return false;
    if (list.size() < kShownMax) list += (failed > 0 ? ", " : "") + shown(item);
    ++failed;
  }
  if (failed == 0) return true;
  miss("unevaluatedItems", value, [&] {
    return "Unevaluated items are not allowed (" + list +
           (failed == 1 ? " was unexpected)" : " were unexpected)");
  });
  return false;
}

}  // namespace tutti::json::schema
