#include "server/json/schema/dialect.hpp"

#include <nlohmann/json.hpp>

#include "server/json/schema/metaschema.hpp"

namespace tutti::json::schema {
namespace {
constexpr int kMetaschemasMax = 16;  // one naming the next

constexpr std::string_view kVocabularies = "https://json-schema.org/draft/2020-12/vocab/";

constexpr Applicator kDraft7[] = {
    {"additionalItems", Holds::One},
    {"additionalProperties", Holds::One},
    {"allOf", Holds::Many},
    {"anyOf", Holds::Many},
    {"contains", Holds::One},
    {"definitions", Holds::Map},
    {"$defs", Holds::Map},
    {"dependencies", Holds::Map},
    {"else", Holds::One},
    {"if", Holds::One},
    {"items", Holds::OneOrMany},
    {"not", Holds::One},
    {"oneOf", Holds::Many},
    {"patternProperties", Holds::Map},
    {"properties", Holds::Map},
    {"propertyNames", Holds::One},
    {"then", Holds::One},
};
constexpr Applicator kDraft2020[] = {
    {"additionalProperties", Holds::One},
    {"allOf", Holds::Many},
    {"anyOf", Holds::Many},
    {"contains", Holds::One},
    {"$defs", Holds::Map},
    {"definitions", Holds::Map},
    {"dependencies", Holds::Map},
    {"dependentSchemas", Holds::Map},
    {"else", Holds::One},
    {"if", Holds::One},
    {"items", Holds::One},
    {"not", Holds::One},
    {"oneOf", Holds::Many},
    {"patternProperties", Holds::Map},
    {"prefixItems", Holds::Many},
    {"properties", Holds::Map},
    {"propertyNames", Holds::One},
    {"then", Holds::One},
    {"unevaluatedItems", Holds::One},
    {"unevaluatedProperties", Holds::One},
};

std::string_view withoutEmptyFragment(std::string_view uri) {
  if (!uri.empty() && uri.back() == '#') uri.remove_suffix(1);
  return uri;
}

std::string_view withoutScheme(std::string_view uri) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (uri.substr(0, scheme.size()) == scheme) return uri.substr(scheme.size());
  return {};
}

Error unknown(std::string_view uri) {
  return Error(Code::InvalidArgument,
               "'$schema' names an unknown dialect '" + std::string(uri) + "'",
               "use https://json-schema.org/draft/2020-12/schema or "
               "http://json-schema.org/draft-07/schema#");
}

/// A metaschema's own $vocabulary. One that is required and unknown makes the schema unusable.
Result<Dialect> fromVocabularies(const Json& vocabularies) {
  Dialect dialect{.applicator = false, .validation = false, .unevaluated = false, .format = false};
  if (!vocabularies.is_object())
    return Error(Code::InvalidArgument, "the metaschema's '$vocabulary' must be an object");
  for (const auto& [uri, required] : *vocabularies.get_ptr<const Json::object_t*>()) {
    const bool ours = std::string_view(uri).substr(0, kVocabularies.size()) == kVocabularies;
    const std::string_view name = ours ? std::string_view(uri).substr(kVocabularies.size()) : "";
    if (name == "applicator") {
      dialect.applicator = true;
    } else if (name == "validation") {
      dialect.validation = true;
    } else if (name == "unevaluated") {
      dialect.unevaluated = true;
    } else if (name == "format-annotation") {
      dialect.format = true;
    } else if (name == "format-assertion") {
      dialect.format = dialect.format_assertion = true;
    } else if (name != "core" && name != "meta-data" && name != "content" && required == true) {
      return Error(Code::InvalidArgument,
                   "the metaschema requires the unknown vocabulary '" + uri + "'");
    }
  }
  return dialect;
}
}  // namespace

Result<Dialect> dialectOf(std::string_view uri, const Lookup& lookup) {
  std::string current(withoutEmptyFragment(uri));
  for (int i = 0; i < kMetaschemasMax; ++i) {
    const std::string_view name = withoutScheme(current);
    if (name == "json-schema.org/draft/2020-12/schema") return Dialect{};
    if (name == "json-schema.org/draft-07/schema") return Dialect{.draft = Draft::k7};
    const Json* document = metaschema(current);
    if (document == nullptr && lookup) document = lookup(current);
    if (document == nullptr || !document->is_object()) return unknown(uri);
    if (const Json* vocabularies = find(*document, "$vocabulary"))
      return fromVocabularies(*vocabularies);
    const std::string parent = stringOr(*document, "$schema", "");
    current = std::string(withoutEmptyFragment(parent));
  }
  return unknown(uri);
}

std::span<const Applicator> applicators(Draft draft) {
  if (draft == Draft::k7) return kDraft7;
  return kDraft2020;
}

void forEachSubschema(const Json& schema, Draft draft,
                      const std::function<void(const Json& subschema)>& visit) {
  const auto* members = schema.get_ptr<const Json::object_t*>();
  if (members == nullptr) return;
  const auto visitSchema = [&visit](const Json& value) {
    if (value.is_object() || value.is_boolean()) visit(value);
  };
  for (const Applicator& applicator : applicators(draft)) {
    const auto place = members->find(applicator.keyword);
    if (place == members->end()) continue;
    const Json& value = place->second;
    const bool each = (value.is_object() && applicator.holds == Holds::Map) ||
                      (value.is_array() &&
                       (applicator.holds == Holds::Many || applicator.holds == Holds::OneOrMany));
    if (!each && applicator.holds != Holds::Map && applicator.holds != Holds::Many)
      visitSchema(value);
    if (!each) continue;
    for (const Json& item : value) visitSchema(item);
  }
}

}  // namespace tutti::json::schema
