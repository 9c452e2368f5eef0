// One form of answer for every call that changes a document, so that there is one way to keep it.
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/documents/service_impl.hpp"

namespace tutti::documents {
namespace {
Document documentFrom(const Json& json) {
  Document document;
  document.id = json::stringOr(json, "id", "");
  document.filename = json::stringOr(json, "filename", "");
  document.content_type = json::stringOr(json, "content_type", "");
  document.size_bytes = json::integerOr(json, "size_bytes", 0);
  document.checksum = json::stringOr(json, "checksum", "");
  document.created_at = json::stringOr(json, "created_at", "");
  document.updated_at = json::stringOr(json, "updated_at", "");
  if (const Json* tags = json::find(json, "tags"))
    document.tags = tags->get<std::vector<std::string>>();
  if (const Json* metadata = json::find(json, "metadata"))
    document.metadata = metadata->get<std::map<std::string, std::string>>();
  document.partition = json::stringOr(json, "partition", std::string(kGlobalPartition));
  document.version = json::integerOr(json, "version", 0);
  document.revision = json::integerOr(json, "revision", 1);
  document.author_session = json::stringOr(json, "author_session", "");
  return document;
}

/// The caller knows its key without the session before it.
Error inTheCallersWords(const Error& error, const RepeatedCall& call) {
  std::string message = error.message();
  const std::size_t at = message.find(call.key);
  if (at == std::string::npos) return error;
  message.erase(at, call.key.find('/') + 1);
  return Error(error.code(), std::move(message), error.hint()).named(std::string(error.name()));
}
}  // namespace

Json toAnswer(const Edited& edited) {
  Json answer = Json::object();
  answer["document"] = toJson(edited.document);
  answer["changed"] = edited.changed;
  if (edited.replacements_made) answer["replacements_made"] = *edited.replacements_made;
  if (edited.edit_range) {
    answer["offset"] = edited.edit_range->offset;
    answer["old_length"] = edited.edit_range->old_length;
    answer["new_length"] = edited.edit_range->new_length;
  }
  return answer;
}

Edited editedFrom(const Json& answer) {
  Edited edited;
  if (const Json* document = json::find(answer, "document"))
    edited.document = documentFrom(*document);
  edited.changed = json::booleanOr(answer, "changed", false);
  if (json::find(answer, "replacements_made") != nullptr)
    edited.replacements_made = json::integerOr(answer, "replacements_made", 0);
  if (json::find(answer, "offset") != nullptr)
    edited.edit_range =
        EditRange{json::integerOr(answer, "offset", 0), json::integerOr(answer, "old_length", 0),
                  json::integerOr(answer, "new_length", 0)};
  return edited;
}

Relation relationFrom(const Json& answer) {
  Relation relation;
  const std::string id = json::stringOr(answer, "id", "");
  std::from_chars(id.data(), id.data() + id.size(), relation.id);
  relation.document_id = json::stringOr(answer, "document_id", "");
  relation.related_document_id = json::stringOr(answer, "related_document_id", "");
  relation.relation_type = json::stringOr(answer, "relation_type", "");
  if (const Json* note = json::find(answer, "note"); note != nullptr && note->is_string())
    relation.note = note->get<std::string>();
  relation.created_at = json::stringOr(answer, "created_at", "");
  relation.updated_at = json::stringOr(answer, "updated_at", "");
  return relation;
}

Json toAnswer(const RelationPair& pair) {
  return Json::object(
      {{"from_relation", toJson(pair.from_relation)}, {"to_relation", toJson(pair.to_relation)}});
}

RelationPair relationPairFrom(const Json& answer) {
  RelationPair pair;
  if (const Json* from = json::find(answer, "from_relation"))
    pair.from_relation = relationFrom(*from);
  if (const Json* to = json::find(answer, "to_relation")) pair.to_relation = relationFrom(*to);
  return pair;
}

agents::BodyDigest bodyOf(Json arguments, const Precondition& precondition) {
  if (!precondition.stated.empty()) arguments.push_back(precondition.stated);
  return agents::BodyDigest(json::dump(arguments));
}

Status demand(store::Connection& db, const Viewer& viewer, const DocumentRef& ref,
              const Precondition& precondition) {
  if (!precondition.holds) return ok();
  auto document = findDocument(db, viewer, ref);
  if (!document.ok()) return std::move(document).error();
  Version newest;
  if (document->version != 0) {
    auto found = findVersion(db, *document, 0);
    if (!found.ok()) return std::move(found).error();
    newest = std::move(*found);
  }
  if (precondition.holds(*document, newest)) return ok();
  return Error(Code::Conflict, "document '" + document->id + "' is not as the call demands",
               "read it again and repeat with what it is now")
      .named("precondition_failed");
}

std::string keyOf(const Caller& caller, const std::string& key) {
  return key.empty() ? key : caller.session_id + "/" + key;
}

Result<std::optional<Json>> keptAnswer(store::Connection& db, const RepeatedCall& call) {
  if (call.key.empty()) return std::optional<Json>();
  auto kept = agents::findIdempotent(db, call.tool, call.key, call.body);
  if (!kept.ok()) return inTheCallersWords(kept.error(), call);
  if (!*kept) return std::optional<Json>();
  auto answer = json::parse(**kept);
  if (!answer.ok()) return std::move(answer).error();
  return std::optional<Json>(std::move(*answer));
}

void keep(store::Tx& tx, const RepeatedCall& call, const Json& answer, const std::string& now) {
  if (!call.key.empty())
    agents::saveIdempotent(tx, call.tool, call.key, call.body, json::dump(answer), now);
}

Result<std::optional<Edited>> answerBefore(store::Connection& db, const RepeatedCall& call) {
  auto kept = keptAnswer(db, call);
  if (!kept.ok()) return std::move(kept).error();
  if (!*kept) return std::optional<Edited>();
  return std::optional<Edited>(editedFrom(**kept));
}

void keepAnswer(store::Tx& tx, const RepeatedCall& call, const Edited& edited,
                const std::string& now) {
  if (!call.key.empty()) keep(tx, call, toAnswer(edited), now);
}

}  // namespace tutti::documents
