#include "server/json/schema/metaschema.hpp"

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace tutti::json::schema {
namespace {
using Documents = std::map<std::string_view, Json>;

Documents parseAll() {
  Documents documents;
  for (const MetaschemaText& source : metaschemaTexts())
    if (auto parsed = parse(source.text)) documents.emplace(source.uri, std::move(parsed).value());
  return documents;
}
}  // namespace

const Json* metaschema(std::string_view uri) {
  static const Documents documents = parseAll();
  const auto place = documents.find(uri);
  return place == documents.end() ? nullptr : &place->second;
}

}  // namespace tutti::json::schema
