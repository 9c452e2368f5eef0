#include "tools/doc_search.hpp"

#include <nlohmann/json.hpp>

#include "server/search/document_search.hpp"
#include "tools/document_call.hpp"

namespace tutti::tools {

void DocSearch::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  search::DocumentQuery query;
  query.caller = documentCaller(call);
  query.place = placeOf(arguments);
  query.query = json::stringOr(arguments, "query", "");
  query.mode = search::parseMode(json::stringOr(arguments, "mode", ""));
  query.tags = tagsOf(arguments);
  query.limit = static_cast<std::size_t>(json::integerOr(arguments, "limit", 10));
  query.include_relations = json::booleanOr(arguments, "include_relations", false);
  const bool relations = query.include_relations;
  const auto answer = [relations, &context](const search::DocumentsFound& found) {
    return search::toJson(found, relations, context.documents_url);
  };
  context.search->search(std::move(query), finishes<search::DocumentsFound>(call, answer));
}

}  // namespace tutti::tools
