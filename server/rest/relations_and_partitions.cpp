// Links between documents, and the partitions they are in.
#include <nlohmann/json.hpp>

#include "server/rest/handlers.hpp"
#include "server/search/document_search.hpp"

namespace tutti::rest {
namespace {

using transport::HttpBodyPlan;

constexpr std::string_view kInvalidPartitionName =
    "Value error, Invalid partition name. Must start with letter or underscore, contain only "
    "letters, numbers, hyphens, underscores, and be 1-64 characters.";

/// AOF's routes without a partition link documents wherever they are.
std::string partitionOfLinks(const Call& call) {
  return call.partitioned ? call.partition : std::string();
}

void answerRelated(Call& call, const documents::RelationPair& pair) {
  Json body = Json::object();
  body["success"] = true;
  body["message"] = "Relation created";
  body["from_relation"] = documents::toJson(pair.from_relation);
  body["to_relation"] = documents::toJson(pair.to_relation);
  call.answer(201, body);
}

void answerUnrelated(Call& call, const std::vector<std::int64_t>& ids) {
  Json texts = Json::array();
  for (const std::int64_t id : ids) texts.push_back(std::to_string(id));
  Json body = Json::object();
  body["success"] = true;
  body["message"] = "Relation removed";
  body["deleted_relation_ids"] = std::move(texts);
  call.answer(200, body);
}

void answerDefinitions(Call& call) {
  Json list = Json::array();
  for (const auto& definition : documents::relationDefinitions())
    list.push_back(documents::toJson(definition));
  call.answer(200, list);
}

}  // namespace

HttpBodyPlan createRelation(const SharedCall& call) {
  return jsonBody(call, [call](const Json& body, ValidationErrors& errors) {
    BodyReader reader(body, errors);
    documents::NewRelation relation;
    relation.definition = reader.requiredText("definition");
    relation.from = {reader.requiredText("from_document_id"), partitionOfLinks(*call)};
    relation.to = {reader.requiredText("to_document_id"), partitionOfLinks(*call)};
    relation.from_to_note = reader.text("from_to_note");
    relation.to_from_note = reader.text("to_from_note");
    if (!errors.empty()) return call->invalid(errors);
    call->service.relate(
        call->caller, std::move(relation),
        call->then<documents::RelationPair>(
            [call](const documents::RelationPair& pair) { answerRelated(*call, pair); }),
        call->idempotency_key);
  });
}

HttpBodyPlan changeRelation(const SharedCall& call) {
  return jsonBody(call, [call](const Json& body, ValidationErrors& errors) {
    BodyReader reader(body, errors);
    auto note = reader.requiredTextOrNull("note");
    if (!errors.empty()) return call->invalid(errors);
    call->service.changeRelation(
        call->caller, call->parameters.at(0), partitionOfLinks(*call), std::move(note),
        call->then<documents::Relation>([call](const documents::Relation& relation) {
          call->answer(200, documents::toJson(relation));
        }),
        call->idempotency_key);
  });
}

HttpBodyPlan deleteRelation(const SharedCall& call) {
  call->service.removeRelation(
      call->caller, call->parameters.at(0), partitionOfLinks(*call),
      call->then<std::vector<std::int64_t>>(
          [call](const std::vector<std::int64_t>& ids) { answerUnrelated(*call, ids); }),
      call->idempotency_key);
  return {};
}

HttpBodyPlan listRelationDefinitions(const SharedCall& call) {
  if (!call->partitioned) {
    answerDefinitions(*call);
    return {};
  }
  // The same for all, but only in a partition that is there.
  documents::QueryRequest probe;
  probe.caller = call->caller;
  probe.filter.place = call->place();
  probe.filter.count_max = 0;
  call->service.query(std::move(probe),
                      call->then<documents::QueryAnswer>(
                          [call](const documents::QueryAnswer&) { answerDefinitions(*call); }));
  return {};
}

HttpBodyPlan createPartition(const SharedCall& call) {
  return jsonBody(call, [call](const Json& body, ValidationErrors& errors) {
    BodyReader reader(body, errors);
    std::string name = reader.requiredText("name");
    std::string description = reader.text("description").value_or("");
    if (!errors.empty()) return call->invalid(errors);
    const std::string input = json::dump(Json(name));
    const auto answer = [call, input](Result<documents::Partition> made) {
      if (made.ok()) return call->answer(201, documents::toJson(*made));
      if (made.error().name() != "invalid_partition") return call->fail(made.error());
      ValidationErrors invalid;
      invalid.add("value_error", {"body", "name"}, kInvalidPartitionName, input, R"({"error":{}})");
      call->invalid(invalid);
    };
    call->service.createPartition(call->caller, std::move(name), std::move(description), answer);
  });
}

HttpBodyPlan listPartitions(const SharedCall& call) {
  call->service.listPartitions(call->caller,
                               call->then<std::vector<documents::Partition>>(
                                   [call](const std::vector<documents::Partition>& partitions) {
                                     Json list = Json::array();
                                     for (const auto& partition : partitions)
                                       list.push_back(documents::toJson(partition));
                                     Json body = Json::object();
                                     body["partitions"] = std::move(list);
                                     call->answer(200, body);
                                   }));
  return {};
}

HttpBodyPlan deletePartition(const SharedCall& call) {
  call->service.deletePartition(
      call->caller, call->parameters.at(0),
      call->then<documents::DeletedPartition>([call](const documents::DeletedPartition& deleted) {
        Json body = Json::object();
        body["success"] = true;
        body["message"] = "Partition '" + deleted.name + "' deleted";
        body["deleted_document_count"] = deleted.deleted_document_count;
        call->answer(200, body);
      }));
  return {};
}

namespace {

/// `relations` is null unless asked for, as AOF has it.
Json foundJson(const Call& call, const search::DocumentsFound& found, bool include_relations) {
  Json said = search::toJson(found, include_relations, call.base_url);
  if (!include_relations)
    for (Json& result : said["results"]) result["relations"] = nullptr;
  return said;
}

}  // namespace

HttpBodyPlan searchDocuments(const SharedCall& call) {
  ValidationErrors errors;
  QueryReader query(call->target, errors);
  search::DocumentQuery asked;
  asked.query = query.requiredText("q");
  asked.limit = static_cast<std::size_t>(query.integerOr("limit", 10, {1, 100}));
  asked.include_relations = query.booleanOr("include_relations", false);
  const auto mode = query.text("mode");
  asked.mode = search::parseMode(mode.value_or(""));
  if (mode && !asked.mode)
    errors.add("enum", {"query", "mode"}, "Input should be 'fulltext', 'semantic' or 'hybrid'",
               json::dump(Json(*mode)));
  if (!errors.empty()) {
    call->invalid(errors);
    return {};
  }
  if (call->search == nullptr) {
    call->refuse(404, "Semantic search is not enabled");
    return {};
  }
  asked.caller = call->caller;
  asked.place = call->place();
  const bool relations = asked.include_relations;
  call->search->search(
      std::move(asked),
      call->then<search::DocumentsFound>([call, relations](const search::DocumentsFound& found) {
        call->answer(200, foundJson(*call, found, relations));
      }));
  return {};
}

}  // namespace tutti::rest
