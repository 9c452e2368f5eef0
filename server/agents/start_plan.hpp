// What every start of one blueprint has in common.
#pragma once

#include <string>

#include "server/agents/blueprint.hpp"
#include "server/json/schema/schema.hpp"

namespace tutti::agents {

/// A blueprint with what starts need of it, made once for all of them. Never changes.
struct StartPlan {
  Blueprint blueprint;
  std::string snapshot;     ///< toJson() of it, as text
  json::Schema parameters;  ///< of effectiveParametersSchema()
};

/// Errors: InvalidArgument "bad_blueprint" when its parameters_schema is no JSON Schema.
Result<StartPlan> makeStartPlan(const Blueprint& blueprint);

}  // namespace tutti::agents
