// Which keywords a schema understands: a draft, and for 2020-12 the vocabularies in use.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/json/json.hpp"
#include "server/json/schema/schema.hpp"

namespace tutti::json::schema {

struct Dialect {
  Draft draft = Draft::k2020_12;
  bool applicator = true;
  bool validation = true;
  bool unevaluated = true;
  bool format = true;             ///< "format" means something
  bool format_assertion = false;  ///< and must be checked, whatever the options say
};

using Lookup = std::function<const Json*(std::string_view uri)>;

/// The dialect that `$schema` names: a draft's own URI, or a metaschema that `lookup` knows, read
/// for its $vocabulary. The error's message says in one clause what is wrong.
Result<Dialect> dialectOf(std::string_view uri, const Lookup& lookup);

/// How the value of a keyword holds subschemas.
enum class Holds { One, OneOrMany, Many, Map };
struct Applicator {
  std::string_view keyword;
  Holds holds;
};
/// The keywords of a draft below which schemas stand. Everything else may hold any JSON.
std::span<const Applicator> applicators(Draft draft);

/// Calls `visit` for each direct subschema of `schema`, in the order of the keywords.
void forEachSubschema(const Json& schema, Draft draft,
                      const std::function<void(const Json& subschema)>& visit);

}  // namespace tutti::json::schema
