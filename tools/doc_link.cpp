#include "tools/doc_link.hpp"

#include <nlohmann/json.hpp>

#include "tools/document_call.hpp"

namespace tutti::tools {
namespace {

Json definitions() {
  Json all = Json::array();
  for (const documents::RelationDefinition& definition : documents::relationDefinitions())
    all.push_back(documents::toJson(definition));
  return Json::object({{"definitions", std::move(all)}});
}

std::optional<std::string> optionalText(const Json& arguments, const char* key) {
  if (json::find(arguments, key) == nullptr) return std::nullopt;
  return json::stringOr(arguments, key, "");
}

void create(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  documents::NewRelation relation;
  relation.definition = json::stringOr(arguments, "relation_type", "related");
  relation.from.document_id = json::stringOr(arguments, "create_from", "");
  relation.to.document_id = json::stringOr(arguments, "create_to", "");
  relation.from_to_note = optionalText(arguments, "from_to_note");
  relation.to_from_note = optionalText(arguments, "to_from_note");
  context.documents->relate(
      documentCaller(call), std::move(relation),
      finishes<documents::RelationPair>(
          call,
          [](const auto& pair) {
            return Json::object({{"success", true},
                                 {"message", "Relation created"},
                                 {"from_relation", documents::toJson(pair.from_relation)},
                                 {"to_relation", documents::toJson(pair.to_relation)}});
          }),
      json::stringOr(arguments, "idempotency_key", ""));
}

void update(const Context& context, const CallPtr& call, std::string id) {
  if (!call->arguments().contains("note"))
    return call->finish(Error(Code::InvalidArgument, "update_id is given without note",
                              "give the new note, or null to remove it")
                            .named("note_missing"));
  context.documents->changeRelation(
      documentCaller(call), std::move(id), "", optionalText(call->arguments(), "note"),
      finishes<documents::Relation>(
          call,
          [](const auto& relation) {
            return Json::object({{"relation", documents::toJson(relation)}});
          }),
      json::stringOr(call->arguments(), "idempotency_key", ""));
}

void remove(const Context& context, const CallPtr& call, std::string id) {
  context.documents->removeRelation(
      documentCaller(call), std::move(id), "",
      finishes<std::vector<std::int64_t>>(call,
                                          [](const std::vector<std::int64_t>& removed) {
                                            Json ids = Json::array();
                                            for (const std::int64_t one : removed)
                                              ids.push_back(std::to_string(one));
                                            return Json::object(
                                                {{"success", true},
                                                 {"message", "Relation removed"},
                                                 {"deleted_relation_ids", std::move(ids)}});
                                          }),
      json::stringOr(call->arguments(), "idempotency_key", ""));
}

}  // namespace

void DocLink::handle(const Context& context, const CallPtr& call) {
  const Json& arguments = call->arguments();
  const bool types = json::booleanOr(arguments, "types", false);
  const bool from = json::find(arguments, "create_from") != nullptr;
  const bool to = json::find(arguments, "create_to") != nullptr;
  std::string update_id = json::stringOr(arguments, "update_id", "");
  std::string remove_id = json::stringOr(arguments, "remove_id", "");
  const int asked = (types ? 1 : 0) + (from || to ? 1 : 0) + (update_id.empty() ? 0 : 1) +
                    (remove_id.empty() ? 0 : 1);
  if (asked != 1 || from != to)
    return call->finish(
        Error(Code::InvalidArgument,
              asked > 1 ? "more than one thing is asked at once" : "it is not said what to do",
              "give types: true, or create_from with create_to, or update_id with "
              "note, or remove_id")
            .named("link_mode"));
  if (types) return call->finish(mcp::ToolOutput{definitions(), {}});
  if (from) return create(context, call);
  if (!update_id.empty()) return update(context, call, std::move(update_id));
  remove(context, call, std::move(remove_id));
}

}  // namespace tutti::tools
