#include "server/runner/output_check.hpp"

#include <nlohmann/json.hpp>

#include "server/json/schema/schema.hpp"

namespace tutti::runner {

std::optional<Error> checkOutput(const Json& schema, const Json& result) {
  if (schema.is_null()) return std::nullopt;
  json::SchemaOptions options;
  options.default_draft = json::Draft::k7;
  const Result<json::Schema> compiled = json::Schema::compile(schema, options);
  if (!compiled.ok()) return compiled.error();
  const std::vector<json::SchemaError> errors = compiled->validate(result);
  if (errors.empty()) return std::nullopt;
  return Error(Code::InvalidArgument,
               "the result misses the output_schema: " + json::errorsText(errors),
               "read error_details for each place")
      .named("output_schema_violation")
      .withDetails(json::errorsJson(errors));
}

}  // namespace tutti::runner
