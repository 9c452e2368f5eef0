// Making, changing and removing links. For what is asked of the graph see graph.cpp.
#include "server/documents/relations.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "server/documents/relation_rows.hpp"
#include "server/documents/rows.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
Error invalid(const char* name, std::string message, std::string hint = {}) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named(name);
}

Result<RelationDefinition> definitionOf(std::string_view name) {
  for (const RelationDefinition& definition : relationDefinitions())
    if (definition.name == name) return definition;
  return invalid("invalid_relation_definition",
                 "Invalid relation definition: " + std::string(name) +
                     ". Valid options: ['parent-child', 'related', 'predecessor-successor']");
}

Status checkNote(const std::optional<std::string>& note, const DocumentLimits& limits) {
  if (!note || note->size() <= limits.note_bytes_max) return ok();
  return invalid("note_bytes_max", "the note has " + std::to_string(note->size()) + " bytes",
                 "use at most " + std::to_string(limits.note_bytes_max));
}

bool isOwn(const Viewer& viewer, const std::string& partition) {
  return viewer.is_agent && (partition == viewer.tree || partition == viewer.project);
}

Status checkEnds(const Viewer& viewer, const Document& from, const Document& to) {
  if (from.id == to.id)
    return invalid("relation_to_itself", "document '" + from.id + "' cannot be related to itself",
                   "name two documents");
  const bool near = from.partition == to.partition || from.partition == kGlobalPartition ||
                    to.partition == kGlobalPartition ||
                    (isOwn(viewer, from.partition) && isOwn(viewer, to.partition));
  if (near) return ok();
  return invalid("relation_across_partitions",
                 "document '" + from.id + "' is in partition '" + from.partition + "' and '" +
                     to.id + "' in '" + to.partition + "'",
                 "relate documents of one partition, or one of them global");
}

/// The documents directly above one: its parents, or its predecessors.
std::vector<std::int64_t> directlyAbove(store::Connection& db, std::int64_t document_seq,
                                        std::string_view type) {
  std::vector<std::int64_t> above;
  Statement rows(db,
                 "SELECT related_seq FROM document_relations"
                 " WHERE document_seq = ? AND relation_type = ?",
                 document_seq, type);
  while (rows.step()) above.push_back(rows.integer(0));
  return above;
}

constexpr std::size_t kNamedOfWayMax = 8;

/// The ids along `way` that the viewer may see, the first few.
std::string namesAlong(store::Connection& db, const Viewer& viewer,
                       const std::vector<std::int64_t>& way) {
  std::vector<std::string> ids;
  for (const std::int64_t document_seq : way) {
    if (ids.size() == kNamedOfWayMax) break;
    if (auto row = visibleRow(db, viewer, document_seq)) ids.push_back(row->document.id);
  }
  std::string names;
  for (const std::string& id : ids) names += (names.empty() ? "" : " > ") + id;
  return ids.size() == kNamedOfWayMax ? names + " > ..." : names;
}

struct NewLink {
  const RelationDefinition& definition;
  const DocumentRow& from;
  const DocumentRow& to;
};

Error circle(const NewLink& link, const std::string& names) {
  return Error(Code::Conflict,
               "document '" + link.to.document.id + "' is above '" + link.from.document.id +
                   "' already: " + names,
               "a " + std::string(link.definition.name) + " relation cannot lead in a circle")
      .named("relation_cycle");
}

/// Is what would be below above already? Looked for upwards: a document has few above it, but may
/// have very many below it.
Status checkCycle(store::Connection& db, const Author& author, const NewLink& link) {
  const RelationDefinition& definition = link.definition;
  if (definition.from_document_is == definition.to_document_is) return ok();
  const std::int64_t visits_max = author.limits.path_visits_max;
  Walk walk(link.from.document_seq);
  while (const auto at = walk.next()) {
    for (const std::int64_t above : directlyAbove(db, *at, definition.from_document_is)) {
      walk.reach(above, *at);
      if (above != link.to.document_seq) continue;
      std::vector<std::int64_t> way = walk.wayTo(above);
      std::reverse(way.begin(), way.end());
      return circle(link, namesAlong(db, author.viewer, way));
    }
    if (walk.known() > visits_max)
      return Error(Code::ResourceExhausted,
                   "more than " + std::to_string(visits_max) + " documents lead to '" +
                       link.from.document.id + "': it cannot be told whether '" +
                       link.to.document.id + "' is one of them",
                   "relate it to a document that is nearer to the top")
          .named("path_visits_max");
  }
  return ok();
}

Status checkRoom(store::Connection& db, const DocumentRow& row, const DocumentLimits& limits) {
  Statement count(db, "SELECT count(*) FROM document_relations WHERE document_seq = ?",
                  row.document_seq);
  const std::int64_t have = count.step() ? count.integer(0) : 0;
  if (have < static_cast<std::int64_t>(limits.relations_max)) return ok();
  return Error(Code::ResourceExhausted,
               "document '" + row.document.id + "' has " + std::to_string(have) + " relations",
               "relate documents below it instead, or remove some")
      .named("relations_max");
}

struct Half {
  const DocumentRow& document;
  const DocumentRow& related;
  std::string_view type;
  const std::optional<std::string>& note;
};

/// Nothing when it is there already.
std::optional<Relation> insertHalf(store::Tx& tx, const Half& half, const std::string& now) {
  const auto inserted = store::execute(
      tx,
      "INSERT INTO document_relations(document_seq, related_seq, relation_type, note, created_at,"
      " updated_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      half.document.document_seq, half.related.document_seq, half.type, half.note, now, now);
  if (inserted == 0) return std::nullopt;
  Relation relation;
  relation.id = tx.lastInsertId();
  relation.document_id = half.document.document.id;
  relation.related_document_id = half.related.document.id;
  relation.relation_type = half.type;
  relation.note = half.note;
  relation.created_at = relation.updated_at = now;
  return relation;
}
}  // namespace

const std::vector<RelationDefinition>& relationDefinitions() {
  // The descriptions are AOF's, word for word.
  static const std::vector<RelationDefinition> all = {
      {"parent-child", "Hierarchical relation where parent owns children. Cascade delete enabled.",
       "parent", "child"},
      {"related", "Peer relation between related documents.", "related", "related"},
      {"predecessor-successor", "Sequential ordering relation.", "predecessor", "successor"}};
  return all;
}

Json toJson(const RelationDefinition& definition) {
  Json json = Json::object();
  json["name"] = std::string(definition.name);
  json["description"] = std::string(definition.description);
  json["from_document_is"] = std::string(definition.from_document_is);
  json["to_document_is"] = std::string(definition.to_document_is);
  return json;
}

Result<RelationPair> createRelation(store::Tx& tx, const Author& author, const NewRelation& input) {
  auto definition = definitionOf(input.definition);
  if (!definition.ok()) return std::move(definition).error();
  for (const auto* note : {&input.from_to_note, &input.to_from_note})
    if (Status noted = checkNote(*note, author.limits); !noted.ok())
      return std::move(noted).error();
  auto from = findRow(tx, author.viewer, input.from);
  if (!from.ok()) return std::move(from).error();
  auto to = findRow(tx, author.viewer, input.to);
  if (!to.ok()) return std::move(to).error();
  if (Status ends = checkEnds(author.viewer, from->document, to->document); !ends.ok())
    return std::move(ends).error();
  for (const auto* row : {&*from, &*to})
    if (Status room = checkRoom(tx, *row, author.limits); !room.ok())
      return std::move(room).error();
  if (Status open = checkCycle(tx, author, {*definition, *from, *to}); !open.ok())
    return std::move(open).error();

  auto there =
      insertHalf(tx, {*from, *to, definition->to_document_is, input.from_to_note}, author.now);
  if (!there)
    return Error(Code::Conflict,
                 "Relation already exists between these documents with type '" +
                     std::string(definition->to_document_is) + "'",
                 "change its note instead")
        .named("relation_exists");
  auto back =
      insertHalf(tx, {*to, *from, definition->from_document_is, input.to_from_note}, author.now);
  if (!back)
    return Error(Code::Internal, "relation " + std::to_string(there->id) + " had only one side",
                 "tutti doctor says more")
        .named("relation_one_sided");
  noteChange(tx, from->document, "updated");
  noteChange(tx, to->document, "updated");
  return RelationPair{std::move(*there), std::move(*back)};
}

namespace {
Error relationNotFound() {
  return Error(Code::NotFound, "Relation not found", "doc_info shows a document's relations")
      .named("relation_not_found");
}

struct FoundLink {
  LinkRow link;
  DocumentRow document;
  DocumentRow related;
};

Result<FoundLink> findLink(store::Connection& db, const Viewer& viewer,
                           const std::string& relation_id, const std::string& partition) {
  std::int64_t id = 0;
  const char* end = relation_id.data() + relation_id.size();
  const auto [stopped, error] = std::from_chars(relation_id.data(), end, id);
  if (error != std::errc() || stopped != end)
    return invalid("invalid_relation_id", "Invalid relation ID format",
                   "it is a number, as doc_info shows it");
  auto link = linkById(db, id);
  if (!link) return relationNotFound();
  auto document = visibleRow(db, viewer, link->document_seq);
  auto related = visibleRow(db, viewer, link->related_seq);
  if (!document || !related) return relationNotFound();
  if (!partition.empty() && document->document.partition != partition) return relationNotFound();
  return FoundLink{std::move(*link), std::move(*document), std::move(*related)};
}

std::string_view inverseOf(std::string_view type) {
  for (const RelationDefinition& definition : relationDefinitions()) {
    if (definition.to_document_is == type) return definition.from_document_is;
    if (definition.from_document_is == type) return definition.to_document_is;
  }
  return type;
}
}  // namespace

Result<Relation> changeRelationNote(store::Tx& tx, const Author& author,
                                    const std::string& relation_id, const std::string& partition,
                                    const std::optional<std::string>& note) {
  if (Status noted = checkNote(note, author.limits); !noted.ok()) return std::move(noted).error();
  auto found = findLink(tx, author.viewer, relation_id, partition);
  if (!found.ok()) return std::move(found).error();
  Relation& relation = found->link.relation;
  relation.note = note;
  relation.updated_at = author.now;
  store::execute(tx, "UPDATE document_relations SET note = ?, updated_at = ? WHERE id = ?", note,
                 author.now, relation.id);
  noteChange(tx, found->document.document, "updated");
  return std::move(relation);
}

Result<std::vector<std::int64_t>> deleteRelation(store::Tx& tx, const Author& author,
                                                 const std::string& relation_id,
                                                 const std::string& partition) {
  auto found = findLink(tx, author.viewer, relation_id, partition);
  if (!found.ok()) return std::move(found).error();
  std::vector<std::int64_t> ids{found->link.relation.id};
  {
    Statement other(tx,
                    "SELECT id FROM document_relations WHERE document_seq = ? AND related_seq = ?"
                    " AND relation_type = ?",
                    found->link.related_seq, found->link.document_seq,
                    inverseOf(found->link.relation.relation_type));
    if (other.step()) ids.push_back(other.integer(0));
  }
  for (const std::int64_t id : ids)
    store::execute(tx, "DELETE FROM document_relations WHERE id = ?", id);
  noteChange(tx, found->document.document, "updated");
  noteChange(tx, found->related.document, "updated");
  return ids;
}

Result<std::vector<Relation>> relationsOf(store::Connection& db, const Viewer& viewer,
                                          const DocumentRef& ref) {
  auto row = findRow(db, viewer, ref);
  if (!row.ok()) return std::move(row).error();
  std::vector<Relation> relations;
  for (LinkRow& link : linksOf(db, row->document_seq))
    if (!viewer.is_agent || visibleRow(db, viewer, link.related_seq))
      relations.push_back(std::move(link.relation));
  return relations;
}

}  // namespace tutti::documents
