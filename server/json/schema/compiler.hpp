// Turns schema documents into a Program, one node at a time from a list of work: nesting takes no
// stack.
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/schema/documents.hpp"
#include "server/json/schema/node.hpp"

namespace tutti::json::schema {

/// Compiles one schema. One use; not thread-safe.
class Compiler {
 public:
  explicit Compiler(const SchemaOptions& options) : options_(options), documents_(options) {}

  /// Errors: as Schema::compile().
  Result<std::unique_ptr<Program>> run(const Json& schema);

 private:
  /// Where a schema stands, as a chain, so that a path is written only for an error.
  struct Place {
    const Place* parent;
    std::string keyword;
    std::optional<std::string> step;  // below the keyword
  };
  struct Work {
    Node* node;
    const Json* schema;
    const Place* place;
  };
  using Object = Json::object_t;

  // compiler.cpp
  Status compileNext();
  Status compileSchema(const Object& schema);
  Result<const Node*> nodeFor(const Json& schema, ResourceId resource, const Place* place);
  Result<const Node*> below(const Json& value, std::string_view keyword);
  Result<const Node*> below(const Json& value, std::string_view keyword, std::string step);
  Status anchorsOf(ResourceId resource, const Place* place);
  const Place* placeOf(std::string_view keyword, std::optional<std::string> step);
  Error wrong(std::string message, std::string hint = {}) const;
  Error wrongType(std::string_view keyword, std::string_view wanted, const Json& found) const;
  const Dialect& dialect() const { return documents_.resource(work_.node->resource).dialect; }

  // compile_values.cpp: keywords that look at the value alone
  Status compileType(const Json& value);
  Status compileValues(const Object& schema);
  Status compileNumbers(const Object& schema);
  Status compileStrings(const Object& schema);
  Status compileFormat(const Object& schema);
  Status readLimit(const Object& schema, std::string_view keyword, std::size_t& limit);
  Result<const Pattern*> patternFor(std::string_view keyword, const std::string& text);

  // compile_containers.cpp: arrays and objects
  Status compileArrays(const Object& schema);
  Status compileArraySizes(const Object& schema);
  Status compileItems7(const Object& schema, ArrayRules& rules);
  Status compileItems2020(const Object& schema, ArrayRules& rules);
  Status compileContains(const Object& schema);
  Status compileObjects(const Object& schema);
  Status compileObjectSizes(const Object& schema);
  Status compileRequired(const Json& value);
  Status compileProperties(const Json& value);
  Status compilePatternProperties(const Json& value);
  Status compileDependencies(const Json& value, std::string_view keyword);
  Result<std::vector<std::string>> names(const Json& value, const std::string& what);
  Status compileUnevaluated(const Object& schema);

  // compile_logic.cpp: references and combinations
  Status compileReferences(const Object& schema);
  Status compileReference(const Json& value, std::string_view keyword);
  Status compileLogic(const Object& schema);
  Status compileBranches(const Object& schema, std::string_view keyword,
                         std::vector<const Node*> LogicRules::*to);
  Status compileOne(const Object& schema, std::string_view keyword, const Node* LogicRules::*to);
  Status compileDefinitions(const Object& schema);

  /// The group of rules of the current node, made when first needed.
  NumberRules& numberRules() { return made(work_.node->number); }
  StringRules& stringRules() { return made(work_.node->string); }
  ArrayRules& arrayRules() { return made(work_.node->array); }
  ObjectRules& objectRules() { return made(work_.node->object); }
  LogicRules& logicRules() { return made(work_.node->logic); }
  template <class Rules>
  static Rules& made(std::unique_ptr<Rules>& rules) {
    if (rules == nullptr) rules = std::make_unique<Rules>();
    return *rules;
  }
  static const Json* member(const Object& schema, std::string_view keyword) {
    const auto place = schema.find(keyword);
    return place == schema.end() ? nullptr : &place->second;
  }

  const SchemaOptions& options_;
  Documents documents_;
  std::unique_ptr<Program> program_ = std::make_unique<Program>();
  std::unordered_map<const Json*, Node*> nodes_;
  std::deque<Place> places_;
  std::vector<Work> open_;
  Work work_{};  // the schema being compiled
};

}  // namespace tutti::json::schema
