// A wrong schema is found when its file is read, not when a run has already been asked for.
#include <nlohmann/json.hpp>
#include <utility>

#include "server/agents/blueprint_files.hpp"
#include "server/json/schema/schema.hpp"

namespace tutti::agents {
namespace {
Status checkSchema(const std::string& member, const Json& schema) {
  if (schema.is_null()) return ok();
  json::SchemaOptions options;
  options.default_draft = json::Draft::k7;  // what AOF's blueprints are written in
  const auto compiled = json::Schema::compile(schema, options);
  if (compiled.ok()) return ok();
  return Error(Code::InvalidArgument,
               "'" + member + "' is no JSON Schema: " + compiled.error().message(),
               compiled.error().hint());
}
}  // namespace

Status checkSchemas(const Blueprint& blueprint) {
  if (Status checked = checkSchema("parameters_schema", blueprint.parameters_schema); !checked.ok())
    return checked;
  return checkSchema("output_schema", blueprint.output_schema);
}

}  // namespace tutti::agents
