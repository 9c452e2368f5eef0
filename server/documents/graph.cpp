#include <algorithm>
#include <map>

#include "server/documents/relation_rows.hpp"
#include "server/documents/relations.hpp"
#include "server/documents/rows.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
constexpr std::string_view kLinks =
    "SELECT r.document_seq, r.related_seq, r.id, a.id, b.id, r.relation_type, r.note,"
    " r.created_at, r.updated_at FROM document_relations AS r"
    " JOIN documents AS a ON a.document_seq = r.document_seq"
    " JOIN documents AS b ON b.document_seq = r.related_seq WHERE ";

LinkRow linkFrom(const Statement& row) {
  LinkRow link;
  link.document_seq = row.integer(0);
  link.related_seq = row.integer(1);
  link.relation.id = row.integer(2);
  link.relation.document_id = row.text(3);
  link.relation.related_document_id = row.text(4);
  link.relation.relation_type = row.text(5);
  link.relation.note = row.optionalText(6);
  link.relation.created_at = row.text(7);
  link.relation.updated_at = row.text(8);
  return link;
}

Status checkTypes(const std::vector<std::string>& types) {
  for (const std::string& type : types) {
    const auto& all = relationDefinitions();
    const bool known = std::any_of(all.begin(), all.end(), [&](const RelationDefinition& one) {
      return one.from_document_is == type || one.to_document_is == type;
    });
    if (!known)
      return Error(Code::InvalidArgument, "relation type '" + type + "' is not known",
                   "use parent, child, related, predecessor or successor")
          .named("invalid_relation_type");
  }
  return ok();
}

bool wanted(const std::vector<std::string>& types, const std::string& type) {
  return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
}
}  // namespace

std::vector<LinkRow> linksOf(store::Connection& db, std::int64_t document_seq) {
  static const std::string sql = std::string(kLinks) + "r.document_seq = ? ORDER BY r.id";
  std::vector<LinkRow> links;
  Statement rows(db, sql, document_seq);
  while (rows.step()) links.push_back(linkFrom(rows));
  return links;
}

std::optional<LinkRow> linkById(store::Connection& db, std::int64_t id) {
  static const std::string sql = std::string(kLinks) + "r.id = ?";
  Statement row(db, sql, id);
  if (!row.step()) return std::nullopt;
  return linkFrom(row);
}

std::vector<std::int64_t> Walk::wayTo(std::int64_t document_seq) const {
  std::vector<std::int64_t> way{document_seq};
  for (auto at = from_.find(document_seq); at->second != at->first; at = from_.find(at->second))
    way.push_back(at->second);
  std::reverse(way.begin(), way.end());
  return way;
}

Result<Neighbourhood> neighbourhood(store::Connection& db, const Viewer& viewer,
                                    const NeighbourhoodRequest& request,
                                    const DocumentLimits& limits) {
  constexpr std::int64_t kDepthMax = 16;
  if (request.depth_max < 1 || request.depth_max > kDepthMax)
    return Error(Code::InvalidArgument, "depth " + std::to_string(request.depth_max) +
                                            " is not between 1 and " + std::to_string(kDepthMax))
        .named("depth_max");
  if (Status known = checkTypes(request.relation_types); !known.ok())
    return std::move(known).error();
  auto start = findRow(db, viewer, request.ref);
  if (!start.ok()) return std::move(start).error();

  Neighbourhood found;
  found.document = std::move(start->document);
  Walk walk(start->document_seq);
  std::map<std::int64_t, std::int64_t> depths{{start->document_seq, 0}};
  while (const auto at = walk.next()) {
    const std::int64_t depth = depths[*at];
    if (depth == request.depth_max) break;
    for (LinkRow& link : linksOf(db, *at)) {
      if (walk.knows(link.related_seq)) continue;
      if (!wanted(request.relation_types, link.relation.relation_type)) continue;
      found.truncated = walk.known() > limits.path_visits_max ||
                        static_cast<std::int64_t>(found.neighbours.size()) == limits.neighbours_max;
      if (found.truncated) return found;
      auto row = visibleRow(db, viewer, link.related_seq);
      if (!row) {
        walk.passBy(link.related_seq);
        continue;
      }
      walk.reach(link.related_seq, *at);
      depths[link.related_seq] = depth + 1;
      found.neighbours.push_back({std::move(row->document), depth + 1, std::move(link.relation)});
    }
  }
  return found;
}

namespace {
/// The link between two documents that a walk went along.
Relation linkBetween(store::Connection& db, std::int64_t from, std::int64_t to,
                     const std::vector<std::string>& types) {
  for (LinkRow& link : linksOf(db, from))
    if (link.related_seq == to && wanted(types, link.relation.relation_type))
      return std::move(link.relation);
  return {};
}

std::vector<Relation> linksAlong(store::Connection& db, const std::vector<std::int64_t>& way,
                                 const std::vector<std::string>& types) {
  std::vector<Relation> links;
  for (std::size_t i = 1; i < way.size(); ++i)
    links.push_back(linkBetween(db, way[i - 1], way[i], types));
  return links;
}
}  // namespace

Result<std::vector<Relation>> findPath(store::Connection& db, const Viewer& viewer,
                                       const PathRequest& request, const DocumentLimits& limits) {
  if (Status known = checkTypes(request.relation_types); !known.ok())
    return std::move(known).error();
  auto from = findRow(db, viewer, request.from);
  if (!from.ok()) return std::move(from).error();
  auto to = findRow(db, viewer, request.to);
  if (!to.ok()) return std::move(to).error();
  Walk walk(from->document_seq);
  while (const auto at = walk.next()) {
    if (*at == to->document_seq) return linksAlong(db, walk.wayTo(*at), request.relation_types);
    if (walk.known() > limits.path_visits_max)
      return Error(Code::ResourceExhausted,
                   "no way found among the nearest " + std::to_string(limits.path_visits_max) +
                       " documents",
                   "ask from a document that is nearer")
          .named("path_visits_max");
    for (const LinkRow& link : linksOf(db, *at)) {
      if (walk.knows(link.related_seq)) continue;
      if (!wanted(request.relation_types, link.relation.relation_type)) continue;
      if (viewer.is_agent && !visibleRow(db, viewer, link.related_seq))
        walk.passBy(link.related_seq);
      else
        walk.reach(link.related_seq, *at);
    }
  }
  return Error(Code::NotFound, "no way leads from '" + request.from.document_id + "' to '" +
                                   request.to.document_id + "'")
      .named("no_path");
}

}  // namespace tutti::documents
