// What is said about documents: lists, descriptions, relations, versions and their differences.
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/rest/handlers.hpp"

namespace tutti::rest {
namespace {

using documents::DocumentInfo;
using transport::HttpBodyPlan;

constexpr std::string_view kMetadataParameter = "metadata.";

Json infoJson(const Call& call, const DocumentInfo& info, bool with_relations) {
  Json json = call.documentJson(info.document);
  if (with_relations) json["relations"] = documents::relationsByType(info.relations);
  return json;
}

void readOrder(Call& call, QueryReader& query, documents::DocumentFilter& filter,
               ValidationErrors& errors) {
  const std::string order = query.text("order").value_or("created");
  const auto parsed = documents::parseOrder(order);
  if (!parsed)
    errors.add("enum", {"query", "order"}, "Input should be 'created', 'updated', 'name' or 'size'",
               json::dump(Json(order)));
  filter.order = parsed.value_or(documents::Order::Created);
  const std::string direction = query.text("direction").value_or("asc");
  if (direction != "asc" && direction != "desc")
    errors.add("enum", {"query", "direction"}, "Input should be 'asc' or 'desc'",
               json::dump(Json(direction)));
  if (direction == "desc") filter.direction = documents::Direction::Descending;
  filter.place = call.place();
}

documents::DocumentFilter readFilter(Call& call, QueryReader& query, ValidationErrors& errors) {
  documents::DocumentFilter filter;
  readOrder(call, query, filter, errors);
  filter.name_contains = query.text("filename").value_or("");
  filter.name_glob = query.text("glob").value_or("");
  filter.tags = documents::splitTags(query.text("tags").value_or(""));
  for (const auto& [name, value] : call.target.query)
    if (name.starts_with(kMetadataParameter))
      filter.metadata[name.substr(kMetadataParameter.size())] = value;
  filter.author_session = query.text("author_session").value_or("");
  filter.content_type = query.text("content_type").value_or("");
  filter.created_from = query.text("created_from").value_or("");
  filter.created_to = query.text("created_to").value_or("");
  filter.updated_from = query.text("updated_from").value_or("");
  filter.updated_to = query.text("updated_to").value_or("");
  filter.count_max = query.integerOr("limit", 100, {0, {}});
  filter.offset = query.integerOr("offset", 0, {0, {}});
  filter.after = query.text("after").value_or("");
  return filter;
}

/// How to ask for the page behind this one, in the headers: the body is a bare list.
HeaderLines nextPage(const Call& call, const std::string& cursor) {
  if (cursor.empty()) return {};
  std::string query;
  for (const auto& [name, value] : call.target.query)
    if (name != "after" && name != "offset")
      query += percentEncoded(name) + "=" + percentEncoded(value) + "&";
  return {{"X-Next-Cursor", cursor},
          {"Link", "<?" + query + "after=" + percentEncoded(cursor) + ">; rel=\"next\""}};
}

void answerList(Call& call, const documents::QueryAnswer& found, bool with_relations) {
  Json list = Json::array();
  for (const DocumentInfo& info : found.documents)
    list.push_back(infoJson(call, info, with_relations));
  call.answer(200, list, nextPage(call, found.next));
}

void answerRelations(Call& call, const DocumentInfo& info) {
  Json by_type = Json::object();
  for (const documents::Relation& relation : info.relations)
    by_type[relation.relation_type].push_back(documents::toJson(relation));
  Json body = Json::object();
  body["document_id"] = info.document.id;
  body["relations"] = std::move(by_type);
  call.answer(200, body);
}

void answerMetadata(Call& call, const DocumentInfo& info) {
  const Validators now = descriptionValidators(info.document);
  HeaderLines headers = {{"ETag", now.etag}, {"Last-Modified", httpDate(now.changed_at)}};
  switch (judgeRead(call.conditions, now)) {
    case Verdict::NotModified:
      return call.notModified(std::move(headers));
    case Verdict::PreconditionFailed:
      return call.preconditionFailed();
    case Verdict::Proceed:
      break;
  }
  call.answer(200, infoJson(call, info, false), std::move(headers));
}

void askInfo(const SharedCall& call, std::function<void(DocumentInfo)> then) {
  call->service.info({call->caller, call->document()}, call->then(std::move(then)));
}

void answerVersions(Call& call, const documents::VersionPage& page) {
  Json list = Json::array();
  for (const documents::Version& version : page.versions)
    list.push_back(documents::toJson(version));
  Json body = Json::object();
  body["document_id"] = call.parameters.at(0);
  body["versions"] = std::move(list);
  body["next"] = page.next.empty() ? Json(nullptr) : Json(page.next);
  call.answer(200, body, nextPage(call, page.next));
}

void answerDiff(Call& call, const documents::DiffAnswer& found) {
  Json body = Json::object();
  body["document_id"] = found.document.id;
  body["from"] = documents::toJson(found.from);
  body["to"] = documents::toJson(found.to);
  body["diff"] = found.diff.unified;
  body["lines_added"] = found.diff.lines_added;
  body["lines_removed"] = found.diff.lines_removed;
  call.answer(200, body);
}

}  // namespace

HttpBodyPlan listDocuments(const SharedCall& call) {
  ValidationErrors errors;
  QueryReader query(call->target, errors);
  documents::QueryRequest request;
  request.caller = call->caller;
  request.filter = readFilter(*call, query, errors);
  request.include_relations = query.booleanOr("include_relations", false);
  const bool with_relations = request.include_relations;
  if (!errors.empty()) {
    call->invalid(errors);
    return {};
  }
  call->service.query(std::move(request),
                      call->then<documents::QueryAnswer>(
                          [call, with_relations](const documents::QueryAnswer& found) {
                            answerList(*call, found, with_relations);
                          }));
  return {};
}

HttpBodyPlan getMetadata(const SharedCall& call) {
  askInfo(call, [call](const DocumentInfo& info) { answerMetadata(*call, info); });
  return {};
}

HttpBodyPlan listRelations(const SharedCall& call) {
  askInfo(call, [call](const DocumentInfo& info) { answerRelations(*call, info); });
  return {};
}

HttpBodyPlan listVersions(const SharedCall& call) {
  ValidationErrors errors;
  QueryReader query(call->target, errors);
  const std::int64_t limit = query.integerOr("limit", 100, {1, 1000});
  std::string after = query.text("after").value_or("");
  if (!errors.empty()) {
    call->invalid(errors);
    return {};
  }
  call->service.versions(
      call->caller, call->document(), std::move(after), limit,
      call->then<documents::VersionPage>(
          [call](const documents::VersionPage& page) { answerVersions(*call, page); }));
  return {};
}

HttpBodyPlan getDiff(const SharedCall& call) {
  ValidationErrors errors;
  QueryReader query(call->target, errors);
  documents::DiffRequest request;
  request.caller = call->caller;
  request.ref = call->document();
  request.from_version = query.integerOr("from", 0, {0, {}});
  request.to_version = query.integerOr("to", 0, {0, {}});
  if (!errors.empty()) {
    call->invalid(errors);
    return {};
  }
  call->service.diff(std::move(request),
                     call->then<documents::DiffAnswer>(
                         [call](const documents::DiffAnswer& found) { answerDiff(*call, found); }));
  return {};
}

}  // namespace tutti::rest
