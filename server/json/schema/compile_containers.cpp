// Keywords of arrays and objects.
#include <algorithm>

#include "server/json/schema/compiler.hpp"
#include "server/json/schema/print.hpp"

namespace tutti::json::schema {

// ---- arrays

Status Compiler::compileArraySizes(const Object& schema) {
  const bool sized = member(schema, "minItems") != nullptr || member(schema, "maxItems") != nullptr;
  if (sized) {
    if (Status done = readLimit(schema, "minItems", arrayRules().size_min); !done.ok()) return done;
    if (Status done = readLimit(schema, "maxItems", arrayRules().size_max); !done.ok()) return done;
  }
  const Json* unique = member(schema, "uniqueItems");
  if (unique == nullptr) return ok();
  if (!unique->is_boolean()) return wrongType("uniqueItems", "a boolean", *unique);
  if (*unique == true) arrayRules().unique = true;
  return ok();
}

Status Compiler::compileArrays(const Object& schema) {
  const bool draft7 = dialect().draft == Draft::k7;
  if (member(schema, "items") != nullptr || member(schema, "prefixItems") != nullptr) {
    ArrayRules& rules = arrayRules();
    Status done = draft7 ? compileItems7(schema, rules) : compileItems2020(schema, rules);
    if (!done.ok()) return done;
  }
  return compileContains(schema);
}

Status Compiler::compileItems7(const Object& schema, ArrayRules& rules) {
  const Json* items = member(schema, "items");
  if (items == nullptr) return ok();
  const bool tuple = items->is_array();
  rules.prefix_keyword = "items";
  rules.rest_keyword = tuple ? "additionalItems" : "items";
  for (std::size_t i = 0; tuple && i < items->size(); ++i) {
    const auto node = below((*items)[i], "items", std::to_string(i));
    if (!node.ok()) return node.error();
    rules.prefix.push_back(*node);
  }
  const Json* rest = tuple ? member(schema, "additionalItems") : items;
  if (rest == nullptr) return ok();
  const auto node = below(*rest, rules.rest_keyword);
  if (!node.ok()) return node.error();
  rules.rest = *node;
  return ok();
}

Status Compiler::compileItems2020(const Object& schema, ArrayRules& rules) {
  rules.prefix_keyword = "prefixItems";
  rules.rest_keyword = "items";
  if (const Json* prefix = member(schema, "prefixItems")) {
    if (!prefix->is_array() || prefix->empty())
      return wrongType("prefixItems", "a non-empty array of schemas", *prefix);
    for (std::size_t i = 0; i < prefix->size(); ++i) {
      const auto node = below((*prefix)[i], "prefixItems", std::to_string(i));
      if (!node.ok()) return node.error();
      rules.prefix.push_back(*node);
    }
  }
  const Json* items = member(schema, "items");
  if (items == nullptr) return ok();
  if (items->is_array())
    return wrong("'items' must be a schema, not an array",
                 "write 'prefixItems', or name draft-07 in '$schema'");
  const auto node = below(*items, "items");
  if (!node.ok()) return node.error();
  rules.rest = *node;
  return ok();
}

Status Compiler::compileContains(const Object& schema) {
  const Json* contains = member(schema, "contains");
  if (contains == nullptr) return ok();
  const auto node = below(*contains, "contains");
  if (!node.ok()) return node.error();
  ArrayRules& rules = arrayRules();
  rules.contains = *node;
  if (dialect().draft == Draft::k7) return ok();
  rules.contains_evaluates = true;
  if (!dialect().validation) return ok();
  if (Status done = readLimit(schema, "minContains", rules.contains_min); !done.ok()) return done;
  return readLimit(schema, "maxContains", rules.contains_max);
}

// ---- objects

Status Compiler::compileObjectSizes(const Object& schema) {
  const bool sized =
      member(schema, "minProperties") != nullptr || member(schema, "maxProperties") != nullptr;
  if (sized) {
    ObjectRules& rules = objectRules();
    if (Status done = readLimit(schema, "minProperties", rules.size_min); !done.ok()) return done;
    if (Status done = readLimit(schema, "maxProperties", rules.size_max); !done.ok()) return done;
  }
  if (const Json* required = member(schema, "required"))
    if (Status done = compileRequired(*required); !done.ok()) return done;
  if (dialect().draft == Draft::k7) return ok();
  if (const Json* dependent = member(schema, "dependentRequired"))
    return compileDependencies(*dependent, "dependentRequired");
  return ok();
}

Status Compiler::compileRequired(const Json& value) {
  auto required = names(value, "'required'");
  if (!required.ok()) return required.error();
  ObjectRules& rules = objectRules();
  rules.required = std::move(required).value();
  for (const std::string& name : rules.required)
    rules.properties.push_back({.name = name, .node = nullptr, .required = true});
  std::sort(rules.properties.begin(), rules.properties.end(),
            [](const Property& a, const Property& b) { return a.name < b.name; });
  const auto same = [](const Property& a, const Property& b) { return a.name == b.name; };
  rules.properties.erase(std::unique(rules.properties.begin(), rules.properties.end(), same),
                         rules.properties.end());
  rules.required_count = rules.properties.size();
  return ok();
}

Status Compiler::compileObjects(const Object& schema) {
  if (const Json* properties = member(schema, "properties"))
    if (Status done = compileProperties(*properties); !done.ok()) return done;
  if (const Json* patterns = member(schema, "patternProperties"))
    if (Status done = compilePatternProperties(*patterns); !done.ok()) return done;
  if (const Json* additional = member(schema, "additionalProperties")) {
    const auto node = below(*additional, "additionalProperties");
    if (!node.ok()) return node.error();
    objectRules().additional = *node;
    objectRules().visits_members = true;
  }
  if (const Json* each_name = member(schema, "propertyNames")) {
    const auto node = below(*each_name, "propertyNames");
    if (!node.ok()) return node.error();
    objectRules().names = *node;
  }
  if (const Json* dependencies = member(schema, "dependencies"))
    if (Status done = compileDependencies(*dependencies, "dependencies"); !done.ok()) return done;
  if (dialect().draft == Draft::k7) return ok();
  if (const Json* dependent = member(schema, "dependentSchemas"))
    return compileDependencies(*dependent, "dependentSchemas");
  return ok();
}

Status Compiler::compileProperties(const Json& value) {
  const auto* members = value.get_ptr<const Object*>();
  if (members == nullptr) return wrongType("properties", "an object", value);
  ObjectRules& rules = objectRules();
  rules.visits_members = rules.visits_members || !members->empty();
  const auto less = [](const Property& a, const Property& b) { return a.name < b.name; };
  std::vector<Property> properties;
  for (const auto& [name, schema] : *members) {
    const auto node = below(schema, "properties", name);
    if (!node.ok()) return node.error();
    const Property property{.name = name, .node = *node, .required = false};
    const bool required =
        std::binary_search(rules.properties.begin(), rules.properties.end(), property, less);
    properties.push_back({.name = name, .node = *node, .required = required});
  }
  // Names that are only required stay in the same list, so that one walk finds both.
  std::vector<Property> all;
  std::set_union(properties.begin(), properties.end(), rules.properties.begin(),
                 rules.properties.end(), std::back_inserter(all), less);
  rules.properties = std::move(all);
  return ok();
}

Status Compiler::compilePatternProperties(const Json& value) {
  const auto* members = value.get_ptr<const Object*>();
  if (members == nullptr) return wrongType("patternProperties", "an object", value);
  for (const auto& [text, schema] : *members) {
    const auto pattern = patternFor("patternProperties", text);
    if (!pattern.ok()) return pattern.error();
    const auto node = below(schema, "patternProperties", text);
    if (!node.ok()) return node.error();
    objectRules().patterns.push_back({.pattern = *pattern, .node = *node});
    objectRules().visits_members = true;
  }
  return ok();
}

/// "dependencies" of draft-07 holds lists and schemas; 2020-12 has a keyword for each.
Status Compiler::compileDependencies(const Json& value, std::string_view keyword) {
  const auto* members = value.get_ptr<const Object*>();
  if (members == nullptr) return wrongType(keyword, "an object", value);
  for (const auto& [name, demand] : *members) {
    Dependency dependency{.name = name, .required = {}, .schema = nullptr, .keyword = keyword};
    const bool is_list =
        keyword == "dependentRequired" || (keyword == "dependencies" && demand.is_array());
    if (is_list) {
      auto listed = names(demand, "'" + std::string(keyword) + "' of " + shownText(name));
      if (!listed.ok()) return listed.error();
      dependency.required = std::move(listed).value();
    } else {
      const auto node = below(demand, keyword, name);
      if (!node.ok()) return node.error();
      dependency.schema = *node;
    }
    objectRules().dependencies.push_back(std::move(dependency));
  }
  return ok();
}

Result<std::vector<std::string>> Compiler::names(const Json& value, const std::string& what) {
  const auto* items = value.get_ptr<const Json::array_t*>();
  std::vector<std::string> texts;
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
    const auto* text = (*items)[i].get_ptr<const Json::string_t*>();
    if (text == nullptr) break;
    texts.push_back(*text);
  }
  if (items == nullptr || texts.size() != items->size())
    return wrong(what + " must be an array of strings, not " + shown(value));
  return texts;
}

Status Compiler::compileUnevaluated(const Object& schema) {
  struct Keyword {
    std::string_view name;
    const Node* Node::*to;
  };
  for (const Keyword& keyword : {Keyword{"unevaluatedItems", &Node::unevaluated_items},
                                 Keyword{"unevaluatedProperties", &Node::unevaluated_properties}}) {
    const Json* value = member(schema, keyword.name);
    if (value == nullptr) continue;
    const auto node = below(*value, keyword.name);
    if (!node.ok()) return node.error();
    work_.node->*keyword.to = *node;
  }
  return ok();
}

}  // namespace tutti::json::schema
