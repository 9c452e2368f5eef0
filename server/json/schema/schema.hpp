// JSON Schema 2020-12 and draft-07: compile once, validate many.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::json {

enum class Draft { k7, k2020_12 };

/// One way in which an instance misses its schema.
struct SchemaError {
  std::string instance_path;  ///< JSON Pointer into the instance, "" for the whole
  std::string schema_path;    ///< JSON Pointer into the schema, through $ref as evaluated
  std::string value;          ///< the offending value as JSON, shortened to 200 bytes
  std::string message;        ///< a sentence for people: "'prompt' is a required property"
};

struct SchemaOptions {
  Draft default_draft = Draft::k2020_12;  ///< when the schema has no $schema
  bool assert_formats = true;   ///< check date-time, uri, email, uuid, regex, … not only annotate
  std::size_t depth_max = 256;  ///< nested schema applications, $ref included
  std::size_t nodes_max = 100'000;     ///< subschemas in one schema
  std::size_t steps_max = 10'000'000;  ///< schema applications in one validation
  std::size_t errors_max = 32;         ///< errors reported for one instance
  /// More schemas that $ref may name, by absolute URI. Never the network. May be empty.
  std::function<const Json*(std::string_view uri)> lookup;
};

/// A compiled schema. Immutable: validate() may be called from any thread at once.
class Schema {
 public:
  using Options = SchemaOptions;

  /// Errors: InvalidArgument "invalid_schema" naming the schema path and what is wrong (an unknown
  /// $schema, an unresolvable $ref, a pattern RE2 cannot run, a keyword of the wrong type), and
  /// ResourceExhausted past nodes_max.
  static Result<Schema> compile(const Json& schema, Options options = {});

  /// Empty when `instance` is valid. Recursion and time are bounded: past a bound the last error
  /// says which one.
  std::vector<SchemaError> validate(const Json& instance) const;

  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

 private:
  struct Impl;
  explicit Schema(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The errors as a JSON array text of {path, schema_path, value, message}: for Error::withDetails.
std::string errorsJson(const std::vector<SchemaError>& errors);
/// The first few errors as one line for people: "at '/a': … ; at '/b': …".
std::string errorsText(const std::vector<SchemaError>& errors);

}  // namespace tutti::json
