// The compiled form: a graph of nodes, one for each subschema that is used. A node has only the
// groups of rules that its schema has, so that a schema of one keyword costs one test.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/json/schema/documents.hpp"
#include "server/json/schema/formats.hpp"
#include "server/json/schema/number.hpp"
#include "server/json/schema/pattern.hpp"

namespace tutti::json::schema {

struct Node;

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// The types of JSON Schema, as bits: an integral number has two.
enum TypeBit : std::uint8_t {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kNumber = 8,
  kString = 16,
  kArray = 32,
  kObject = 64,
};

struct NumberRules {
  std::optional<Json> minimum;
  std::optional<Json> maximum;
  std::optional<Json> exclusive_minimum;
  std::optional<Json> exclusive_maximum;
  std::optional<Json> multiple_of;
  Decimal divisor;  // of multiple_of
};

struct StringRules {
  std::size_t length_min = 0;
  std::size_t length_max = kNoLimit;
  const Pattern* pattern = nullptr;
  const Format* format = nullptr;
};

struct ArrayRules {
  std::size_t size_min = 0;
  std::size_t size_max = kNoLimit;
  bool unique = false;
  std::vector<const Node*> prefix;
  std::string_view prefix_keyword;
  const Node* rest = nullptr;
  std::string_view rest_keyword;
  const Node* contains = nullptr;
  std::size_t contains_min = 1;
  std::size_t contains_max = kNoLimit;
  bool contains_evaluates = false;  // 2020-12: what matched counts as evaluated
};

/// A name that "properties" or "required" knows.
struct Property {
  std::string name;
  const Node* node = nullptr;  // null when only required
  bool required = false;
};

struct PatternProperty {
  const Pattern* pattern = nullptr;
  const Node* node = nullptr;
};

/// What the presence of `name` demands.
struct Dependency {
  std::string name;
  std::vector<std::string> required;
  const Node* schema = nullptr;
  std::string_view keyword;
};

struct ObjectRules {
  std::size_t size_min = 0;
  std::size_t size_max = kNoLimit;
  std::vector<Property> properties;   // sorted by name, as the members of an instance are
  std::vector<std::string> required;  // in the author's order, for messages
  std::size_t required_count = 0;     // different names in it
  std::vector<PatternProperty> patterns;
  const Node* additional = nullptr;
  const Node* names = nullptr;
  std::vector<Dependency> dependencies;
  bool visits_members = false;  // properties, patterns or additional say something
};

/// "enum" and "const".
struct ValueRules {
  std::optional<Json> constant;
  std::optional<Json> choices;                                   // an array
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_hash;  // sorted; only for many choices
};

struct LogicRules {
  const Node* reference = nullptr;
  const Node* dynamic_reference = nullptr;
  std::string dynamic_anchor;  // empty: resolved for good
  std::vector<const Node*> all_of;
  std::vector<const Node*> any_of;
  std::vector<const Node*> one_of;
  const Node* negated = nullptr;
  const Node* condition = nullptr;
  const Node* consequence = nullptr;
  const Node* alternative = nullptr;
};

struct Node {
  enum class Kind : std::uint8_t { Anything, Nothing, Rules };
  Kind kind = Kind::Rules;
  std::uint8_t types = 0;  // TypeBits; 0 is any
  ResourceId resource = 0;
  std::unique_ptr<ValueRules> value;
  std::unique_ptr<NumberRules> number;
  std::unique_ptr<StringRules> string;
  std::unique_ptr<ArrayRules> array;
  std::unique_ptr<ObjectRules> object;
  std::unique_ptr<LogicRules> logic;
  const Node* unevaluated_items = nullptr;
  const Node* unevaluated_properties = nullptr;
  std::string shown;  // the schema, for messages; only where a message needs it
};

/// A compiled schema with everything it refers to. Immutable once compiled.
struct Program {
  std::deque<Node> nodes;
  std::map<std::string, Pattern, std::less<>> patterns;
  /// By resource: its $dynamicAnchors.
  std::vector<std::vector<std::pair<std::string, const Node*>>> dynamic_anchors;
  bool is_dynamic = false;  // some $dynamicRef depends on the way it was reached
  const Node* root = nullptr;
};

}  // namespace tutti::json::schema
