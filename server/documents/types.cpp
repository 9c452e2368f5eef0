#include "server/documents/types.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/json/or_null.hpp"

namespace tutti::documents {
std::string_view toString(PartitionKind kind) {
  switch (kind) {
    case PartitionKind::Global:
      return "global";
    case PartitionKind::Named:
      return "named";
    case PartitionKind::Tree:
      return "tree";
    case PartitionKind::Project:
      return "project";
  }
  return "named";
}

std::optional<Scope> parseScope(std::string_view word) {
  if (word.empty()) return Scope::Default;
  if (word == "tree") return Scope::Tree;
  if (word == "project") return Scope::Project;
  if (word == "global") return Scope::Global;
  if (word == "visible") return Scope::Visible;
  return std::nullopt;
}

Json toJson(const Document& document) {
  Json json = Json::object();
  json["id"] = document.id;
  json["filename"] = document.filename;
  json["content_type"] = document.content_type;
  json["size_bytes"] = document.size_bytes;
  json["checksum"] = json::orNull(document.checksum);
  json["created_at"] = document.created_at;
  json["updated_at"] = document.updated_at;
  json["tags"] = document.tags;
  json["metadata"] = Json::object();
  for (const auto& [key, value] : document.metadata) json["metadata"][key] = value;
  json["partition"] =
      document.partition == kGlobalPartition ? Json(nullptr) : Json(document.partition);
  json["relations"] = nullptr;
  json["version"] = document.version;
  json["revision"] = document.revision;
  json["author_session"] = json::orNull(document.author_session);
  return json;
}

Json toJson(const Version& version) {
  Json json = Json::object();
  json["document_id"] = version.document_id;
  json["version"] = version.version;
  json["checksum"] = json::orNull(version.checksum);
  json["size_bytes"] = version.size_bytes;
  json["content_type"] = version.content_type;
  json["author_session"] = json::orNull(version.author_session);
  json["created_at"] = version.created_at;
  json["note"] = json::orNull(version.note);
  return json;
}

Json toJson(const Partition& partition) {
  Json json = Json::object();
  json["name"] = partition.name;
  json["kind"] = std::string(toString(partition.kind));
  json["description"] = json::orNull(partition.description);
  json["created_at"] = partition.created_at;
  return json;
}

Json toRelationInfo(const Relation& relation) {
  Json json = Json::object();
  json["id"] = std::to_string(relation.id);
  json["related_document_id"] = relation.related_document_id;
  json["relation_type"] = relation.relation_type;
  json["note"] = json::orNull(relation.note);
  return json;
}

Json toJson(const Relation& relation) {
  Json json = toRelationInfo(relation);
  json["document_id"] = relation.document_id;
  json["created_at"] = relation.created_at;
  json["updated_at"] = relation.updated_at;
  return json;
}

Json relationsByType(const std::vector<Relation>& relations) {
  Json json = Json::object();
  for (const Relation& relation : relations)
    json[relation.relation_type].push_back(toRelationInfo(relation));
  return json;
}

std::string documentPath(std::string_view document_id, std::string_view partition) {
  const std::string path = "/documents/" + std::string(document_id);
  if (partition.empty() || partition == kGlobalPartition) return path;
  return "/partitions/" + std::string(partition) + path;
}

std::string documentPath(const Document& document) {
  return documentPath(document.id, document.partition);
}

std::string documentUri(std::string_view document_id) {
  return "tutti://doc/" + std::string(document_id);
}

std::string contentEtag(const Document& document) {
  return "\"v" + std::to_string(document.version) + "\"";
}

std::string revisionEtag(const Document& document) {
  return "\"r" + std::to_string(document.revision) + "\"";
}

std::optional<std::int64_t> parseEtag(std::string_view tag, char prefix) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"')
    tag = tag.substr(1, tag.size() - 2);
  if (tag.size() < 2 || tag.front() != prefix) return std::nullopt;
  std::int64_t number = 0;
  const char* end = tag.data() + tag.size();
  const auto [stopped, error] = std::from_chars(tag.data() + 1, end, number);
  if (error != std::errc() || stopped != end || number < 0) return std::nullopt;
  return number;
}

}  // namespace tutti::documents
