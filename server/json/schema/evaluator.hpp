// One validation of one instance. Runs twice at most: first only to know whether the instance is
// valid, which allocates nothing unless annotations are asked for; then, for an invalid one, to say
// why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/schema/node.hpp"
#include "server/json/schema/schema.hpp"

namespace tutti::json::schema {

/// The members or items of one instance that some keyword has looked at: what "unevaluated…" leaves
/// out. Grows only at its end, so that a branch that failed is forgotten by cutting it off.
struct Evaluated {
  struct Mark {
    std::size_t size;
    bool all;
  };
  std::vector<const Json*> parts;
  bool all = false;

  Mark mark() const { return {parts.size(), all}; }
  void rollBack(Mark to) {
    parts.resize(to.size);
    all = to.all;
  }
};

class Evaluator {
 public:
  Evaluator(const Program& program, const SchemaOptions& options)
      : program_(program), options_(options) {}

  /// Is it valid? False too when a bound was met; then aborted() says so.
  bool check(const Json& instance);
  /// All errors, at most errors_max, and last the bound that was met if one was.
  std::vector<SchemaError> explain(const Json& instance);
  bool aborted() const { return aborted_ != nullptr; }
  SchemaError bound() const;

 private:
  /// The resources on the way here, innermost first; a list on the stack.
  struct Scope {
    ResourceId resource;
    const Scope* outer;
  };
  /// One step of a path: a name, or an index when the name is null.
  struct Step {
    const char* name;
    std::size_t size_or_index;
  };
  /// Adds steps to both paths for as long as it lives. Does nothing in the first run.
  class At {
   public:
    At(Evaluator& evaluator, std::string_view keyword);
    At(Evaluator& evaluator, std::string_view keyword, std::size_t branch);
    At(Evaluator& evaluator, std::string_view keyword, std::string_view name);
    At(const At&) = delete;
    At& operator=(const At&) = delete;
    ~At();
    At& member(std::string_view name);
    At& item(std::size_t index);

   private:
    Evaluator& evaluator_;
    std::size_t schema_size_;
    std::size_t instance_size_;
  };
  /// Runs branches whose failure is no error.
  class Quiet {
   public:
    explicit Quiet(Evaluator& evaluator) : evaluator_(evaluator), errors_(evaluator.errors_) {
      evaluator.errors_ = nullptr;
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet() { evaluator_.errors_ = errors_; }

   private:
    Evaluator& evaluator_;
    std::vector<SchemaError>* errors_;
  };

  // evaluator.cpp
  bool apply(const Node& node, const Json& value, Evaluated* seen);
  bool applyRules(const Node& node, const Json& value, Evaluated* seen);
  bool applyTracking(const Node& node, const Json& value, Evaluated* seen);
  bool byType(const Node& node, const Json& value, Evaluated* seen);
  bool type(const Node& node, const Json& value);
  bool values(const ValueRules& rules, const Json& value);
  bool isChoice(const ValueRules& rules, const Json& value) const;
  bool numbers(const NumberRules& rules, const Json& value);
  bool strings(const StringRules& rules, const Json& value);
  bool spend(std::size_t steps);
  bool abort(const char* bound);
  bool isStopping() const;
  template <class Message>
  bool miss(std::string_view keyword, const Json& value, Message&& message) {
    if (errors_ != nullptr) report(keyword, value, message());
    return isStopping();
  }
  void report(std::string_view keyword, const Json& value, std::string message);

  // evaluate_objects.cpp
  bool objects(const ObjectRules& rules, const Json& value, Evaluated* seen);
  bool objectSize(const ObjectRules& rules, const Json& value);
  bool members(const ObjectRules& rules, const Json& value, Evaluated* seen);
  bool member(const ObjectRules& rules, const Property* known, const std::string& name,
              const Json& value, bool& matched);
  bool isAdditional(const ObjectRules& rules, const std::string& name) const;
  bool additionalMember(const ObjectRules& rules, const std::string& name, const Json& value);
  void reportRequired(const ObjectRules& rules, const Json& value);
  void reportAdditional(const ObjectRules& rules, const Json& value);
  bool names(const ObjectRules& rules, const Json& value);
  bool dependencies(const ObjectRules& rules, const Json& value, Evaluated* seen);
  bool unevaluatedProperties(const Node& node, const Json& value, Evaluated& seen);

  // evaluate_arrays.cpp
  bool arrays(const ArrayRules& rules, const Json& value, Evaluated* seen);
  bool arraySize(const ArrayRules& rules, const Json& value);
  bool items(const ArrayRules& rules, const Json& value, Evaluated* seen);
  bool contains(const ArrayRules& rules, const Json& value, Evaluated* seen);
  bool unevaluatedItems(const Node& node, const Json& value, Evaluated& seen);

  // evaluate_logic.cpp
  bool logic(const LogicRules& rules, const Json& value, Evaluated* seen);
  bool references(const LogicRules& rules, const Json& value, Evaluated* seen);
  const Node& dynamicTarget(const LogicRules& rules) const;
  bool allOf(const LogicRules& rules, const Json& value, Evaluated* seen);
  bool anyOf(const LogicRules& rules, const Json& value, Evaluated* seen);
  bool oneOf(const LogicRules& rules, const Json& value, Evaluated* seen);
  bool negated(const LogicRules& rules, const Json& value);
  bool conditional(const LogicRules& rules, const Json& value, Evaluated* seen);
  bool branch(const Node& node, const Json& value, Evaluated* seen);

  const Program& program_;
  const SchemaOptions& options_;
  std::size_t depth_ = 0;
  std::size_t steps_ = 0;
  const char* aborted_ = nullptr;
  const Scope* scope_ = nullptr;
  std::vector<SchemaError>* errors_ = nullptr;  // null: only whether
  std::vector<Step> schema_path_;
  std::vector<Step> instance_path_;
};

}  // namespace tutti::json::schema
