// Holding a result to its blueprint's output_schema.
#pragma once

#include <optional>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::runner {

/// Nothing when `schema` is null or `result` satisfies it. Otherwise the error: InvalidArgument
/// "output_schema_violation" with the list of what is wrong as details, or "invalid_schema". A
/// schema without $schema is read as Draft-07, AOF's.
std::optional<Error> checkOutput(const Json& schema, const Json& result);

}  // namespace tutti::runner
