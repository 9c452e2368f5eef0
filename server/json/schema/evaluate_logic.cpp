// References and combinations.
#include <algorithm>

#include "server/json/schema/evaluator.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {

bool Evaluator::logic(const LogicRules& rules, const Json& value, Evaluated* seen) {
  using Keyword = bool (Evaluator::*)(const LogicRules&, const Json&, Evaluated*);
  bool valid = true;
  for (const Keyword keyword : {&Evaluator::references, &Evaluator::allOf, &Evaluator::anyOf,
                                &Evaluator::oneOf, &Evaluator::conditional}) {
    if ((this->*keyword)(rules, value, seen)) continue;
    valid = false;
    if (isStopping()) return false;
  }
  return (rules.negated == nullptr || negated(rules, value)) && valid;
}

bool Evaluator::references(const LogicRules& rules, const Json& value, Evaluated* seen) {
  bool valid = true;
  if (rules.reference != nullptr) {
    const At at(*this, "$ref");
    valid = apply(*rules.reference, value, seen);
    if (!valid && isStopping()) return false;
  }
  if (rules.dynamic_reference == nullptr) return valid;
  const At at(*this, "$dynamicRef");
  return apply(dynamicTarget(rules), value, seen) && valid;
}

/// The anchor of that name in the outermost resource on the way here that has one.
const Node& Evaluator::dynamicTarget(const LogicRules& rules) const {
  const Node* target = rules.dynamic_reference;
  if (rules.dynamic_anchor.empty()) return *target;
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
    if (scope->resource >= program_.dynamic_anchors.size()) continue;
    for (const auto& [name, node] : program_.dynamic_anchors[scope->resource])
      if (name == rules.dynamic_anchor) target = node;
  }
  return *target;
}

bool Evaluator::allOf(const LogicRules& rules, const Json& value, Evaluated* seen) {
  bool valid = true;
  for (std::size_t i = 0; i < rules.all_of.size(); ++i) {
    const At at(*this, "allOf", i);
    if (apply(*rules.all_of[i], value, seen)) continue;
    valid = false;
    if (isStopping()) return false;
  }
  return valid;
}

/// A branch that may fail: without errors, and without annotations if it does.
bool Evaluator::branch(const Node& node, const Json& value, Evaluated* seen) {
  const Quiet quiet(*this);
  if (seen == nullptr) return apply(node, value, nullptr);
  const Evaluated::Mark mark = seen->mark();
  if (apply(node, value, seen)) return true;
  seen->rollBack(mark);
  return false;
}

bool Evaluator::anyOf(const LogicRules& rules, const Json& value, Evaluated* seen) {
  if (rules.any_of.empty()) return true;
  bool valid = false;
  for (const Node* node : rules.any_of) {
    if (branch(*node, value, seen)) valid = true;
    if (valid && seen == nullptr) return true;  // annotations need every branch
  }
  if (valid) return true;
  miss("anyOf", value,
       [&] { return shown(value) + " is not valid under any of the given schemas"; });
  return false;
}

bool Evaluator::oneOf(const LogicRules& rules, const Json& value, Evaluated* seen) {
  if (rules.one_of.empty()) return true;
  std::vector<const Node*>::size_type count = 0;
  const Node* first = nullptr;
  std::string matching;
  for (const Node* node : rules.one_of) {
    if (!branch(*node, value, seen)) continue;
    ++count;
    if (first == nullptr) first = node;
    if (count > 1 && errors_ == nullptr) return false;
    if (count > 1 && matching.size() < kShownChoicesMax) matching += node->shown + ", ";
  }
  if (count == 1) return true;
  miss("oneOf", value, [&] {
    if (count == 0) return shown(value) + " is not valid under any of the given schemas";
    if (first->shown.empty())
      return shown(value) + " is valid under more than one of the given schemas";
    return shown(value) + " is valid under each of " + matching + first->shown;
  });
  return false;
}

bool Evaluator::negated(const LogicRules& rules, const Json& value) {
  const bool matches = branch(*rules.negated, value, nullptr);
  if (aborted_ != nullptr) return false;
  if (!matches) return true;
  miss("not", value,
       [&] { return shown(value) + " should not be valid under " + rules.negated->shown; });
  return false;
}

bool Evaluator::conditional(const LogicRules& rules, const Json& value, Evaluated* seen) {
  if (rules.condition == nullptr) return true;
  const bool holds = branch(*rules.condition, value, seen);
  if (aborted_ != nullptr) return false;
  const Node* next = holds ? rules.consequence : rules.alternative;
  if (next == nullptr) return true;
  const At at(*this, holds ? "then" : "else");
  return apply(*next, value, seen);
}

}  // namespace tutti::json::schema
