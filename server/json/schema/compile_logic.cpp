// References, combinations and definitions.
#include <algorithm>
#include <array>

#include "server/base/text.hpp"
#include "server/json/schema/compiler.hpp"
#include "server/json/schema/print.hpp"
#include "server/json/schema/uri.hpp"

namespace tutti::json::schema {
namespace {
constexpr std::size_t kShownBranchesMax = 32;  // branches of a oneOf that a message may quote
}

Status Compiler::compileReferences(const Object& schema) {
  const Json* reference = member(schema, "$ref");
  if (reference != nullptr)
    if (Status done = compileReference(*reference, "$ref"); !done.ok()) return done;
  const Json* dynamic = member(schema, "$dynamicRef");
  if (dynamic == nullptr || dialect().draft == Draft::k7) return ok();
  return compileReference(*dynamic, "$dynamicRef");
}

Status Compiler::compileReference(const Json& value, std::string_view keyword) {
  const auto* text = value.get_ptr<const Json::string_t*>();
  if (text == nullptr) return wrongType(keyword, "a string", value);
  const auto target = documents_.resolve(work_.node->resource, *text);
  if (!target.ok()) {
    if (target.error().code() == Code::ResourceExhausted) return target.error();
    return wrong("'" + std::string(keyword) + "' " + shownText(*text) +
                     " cannot be resolved: " + target.error().message(),
                 target.error().hint());
  }
  const auto node = nodeFor(*target->schema, target->resource, placeOf(keyword, std::nullopt));
  if (!node.ok()) return node.error();
  LogicRules& rules = logicRules();
  if (keyword == "$ref") {
    rules.reference = *node;
    return ok();
  }
  rules.dynamic_reference = *node;
  // Only a reference that already lands on a $dynamicAnchor of that name looks for others of it.
  const std::string anchor = percentDecoded(splitUri(*text).fragment.value_or(""));
  for (const auto& [name, place] : documents_.resource(target->resource).dynamic_anchors)
    if (name == anchor && place == target->schema) rules.dynamic_anchor = anchor;
  program_->is_dynamic = program_->is_dynamic || !rules.dynamic_anchor.empty();
  return ok();
}

Status Compiler::compileLogic(const Object& schema) {
  struct Several {
    std::string_view keyword;
    std::vector<const Node*> LogicRules::*to;
  };
  for (const Several& several :
       {Several{"allOf", &LogicRules::all_of}, Several{"anyOf", &LogicRules::any_of},
        Several{"oneOf", &LogicRules::one_of}})
    if (Status done = compileBranches(schema, several.keyword, several.to); !done.ok()) return done;
  if (Status done = compileOne(schema, "not", &LogicRules::negated); !done.ok()) return done;
  if (member(schema, "if") == nullptr) {  // then these two say nothing, but must be schemas
    for (const std::string_view keyword : {"then", "else"})
      if (const Json* value = member(schema, keyword))
        if (const auto node = below(*value, keyword); !node.ok()) return node.error();
    return ok();
  }
  for (const auto& [keyword, to] :
       {std::pair{"if", &LogicRules::condition}, std::pair{"then", &LogicRules::consequence},
        std::pair{"else", &LogicRules::alternative}})
    if (Status done = compileOne(schema, keyword, to); !done.ok()) return done;
  return ok();
}

Status Compiler::compileBranches(const Object& schema, std::string_view keyword,
                                 std::vector<const Node*> LogicRules::*to) {
  const Json* value = member(schema, keyword);
  if (value == nullptr) return ok();
  if (!value->is_array() || value->empty())
    return wrongType(keyword, "a non-empty array of schemas", *value);
  const bool is_quoted = keyword == "oneOf" && value->size() <= kShownBranchesMax;
  for (std::size_t i = 0; i < value->size(); ++i) {
    const auto node = below((*value)[i], keyword, std::to_string(i));
    if (!node.ok()) return node.error();
    (logicRules().*to).push_back(*node);
    if (is_quoted) nodes_[&(*value)[i]]->shown = shown((*value)[i]);
  }
  return ok();
}

Status Compiler::compileOne(const Object& schema, std::string_view keyword,
                            const Node* LogicRules::*to) {
  const Json* value = member(schema, keyword);
  if (value == nullptr) return ok();
  const auto node = below(*value, keyword);
  if (!node.ok()) return node.error();
  logicRules().*to = *node;
  if (keyword == "not") nodes_[value]->shown = shown(*value);
  return ok();
}

/// What is only defined is compiled too, so that its mistakes are found now and not by a later
/// edit.
Status Compiler::compileDefinitions(const Object& schema) {
  for (const std::string_view keyword : {"$defs", "definitions"}) {
    const Json* value = member(schema, keyword);
    if (value == nullptr) continue;
    const auto* members = value->get_ptr<const Object*>();
    if (members == nullptr) return wrongType(keyword, "an object", *value);
    for (const auto& [name, definition] : *members) {
      const auto node = below(definition, keyword, name);
      if (!node.ok()) return node.error();
    }
  }
  return ok();
}

}  // namespace tutti::json::schema
