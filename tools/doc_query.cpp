#include "tools/doc_query.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

Json page(const Context& context, const documents::QueryAnswer& answer, bool include_relations) {
  Json all = Json::array();
  for (const documents::DocumentInfo& info : answer.documents) {
    Json one = told(context, info.document);
    if (include_relations) one["relations"] = documents::relationsByType(info.relations);
    all.push_back(std::move(one));
  }
  Json said = Json::object({{"documents", std::move(all)}, {"next_cursor", nullptr}});
  if (!answer.next.empty()) said["next_cursor"] = answer.next;
  return said;
}

}  // namespace

documents::QueryRequest DocQuery::decode(const Json& arguments, documents::Caller caller) {
  documents::QueryRequest request;
  request.caller = std::move(caller);
  request.include_relations = json::booleanOr(arguments, "include_relations", false);
  documents::DocumentFilter& filter = request.filter;
  filter.place = placeOf(arguments);
  std::string name = json::stringOr(arguments, "name", "");
  const bool pattern = name.find_first_of("*?") != std::string::npos;
  (pattern ? filter.name_glob : filter.name_contains) = std::move(name);
  filter.tags = tagsOf(arguments);
  filter.metadata = metadataOf(arguments);
  filter.author_session = json::stringOr(arguments, "author_session_id", "");
  filter.content_type = json::stringOr(arguments, "content_type", "");
  filter.created_from = json::stringOr(arguments, "created_after", "");
  filter.created_to = json::stringOr(arguments, "created_before", "");
  filter.updated_from = json::stringOr(arguments, "updated_after", "");
  filter.updated_to = json::stringOr(arguments, "updated_before", "");
  filter.order = documents::parseOrder(json::stringOr(arguments, "order", "created"))
                     .value_or(documents::Order::Created);
  if (json::booleanOr(arguments, "descending", false))
    filter.direction = documents::Direction::Descending;
  filter.count_max = json::integerOr(arguments, "limit", filter.count_max);
  filter.after = json::stringOr(arguments, "cursor", "");
  return request;
}

void DocQuery::handle(const Context& context, const CallPtr& call) {
  auto request = decode(call->arguments(), documentCaller(call));
  const bool relations = request.include_relations;
  context.documents->query(std::move(request), finishes<documents::QueryAnswer>(
                                                   call, [&context, relations](const auto& answer) {
                                                     return page(context, answer, relations);
                                                   }));
}

}  // namespace tutti::tools
