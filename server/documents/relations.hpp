// Links between documents: three kinds, both directions, and what can be asked of the graph they
// make. In a caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/documents.hpp"
#include "server/documents/types.hpp"
#include "server/store/connection.hpp"

namespace tutti::documents {

struct RelationDefinition {
  std::string_view name;  ///< "parent-child", "related", "predecessor-successor"
  std::string_view description;
  std::string_view from_document_is;  ///< "parent", "related", "predecessor"
  std::string_view to_document_is;    ///< "child", "related", "successor"
};
const std::vector<RelationDefinition>& relationDefinitions();
/// {name, description, from_document_is, to_document_is}.
Json toJson(const RelationDefinition& definition);

struct NewRelation {
  std::string definition;
  DocumentRef from;  ///< parent-child: the parent
  DocumentRef to;    ///< parent-child: the child
  std::optional<std::string> from_to_note;
  std::optional<std::string> to_from_note;
};
struct RelationPair {
  Relation from_relation;  ///< on `from`: relation_type is what `to` is ("child")
  Relation to_relation;    ///< on `to`: relation_type is what `from` is ("parent")
};
/// Errors: InvalidArgument "invalid_relation_definition" (AOF: `Invalid relation definition: x.
/// Valid options: ['parent-child', 'related', 'predecessor-successor']`), NotFound
/// "document_not_found", InvalidArgument "relation_to_itself", Conflict "relation_exists" (AOF:
/// `Relation already exists between these documents with type 'x'`), "relation_cycle" (parent-child
/// and predecessor-successor: the target is already above the source; names of the way what the
/// caller may see), ResourceExhausted "path_visits_max" (more documents above the source),
/// InvalidArgument "relation_across_partitions" (unless one of both is global, or in the caller's
/// own project and tree), "note_bytes_max", ResourceExhausted "relations_max".
Result<RelationPair> createRelation(store::Tx& tx, const Author& author, const NewRelation& input);

/// Ids are given as text. Errors: InvalidArgument "invalid_relation_id" (AOF: `Invalid relation ID
/// format`), NotFound "relation_not_found" (AOF: `Relation not found`; also when its documents are
/// not to be seen or not in `partition`, if that is given).
Result<Relation> changeRelationNote(store::Tx& tx, const Author& author,
                                    const std::string& relation_id, const std::string& partition,
                                    const std::optional<std::string>& note);
/// Removes both directions; their ids, the named one first.
Result<std::vector<std::int64_t>> deleteRelation(store::Tx& tx, const Author& author,
                                                 const std::string& relation_id,
                                                 const std::string& partition);

/// Those to documents that the viewer may see, by id.
Result<std::vector<Relation>> relationsOf(store::Connection& db, const Viewer& viewer,
                                          const DocumentRef& ref);

struct Neighbour {
  Document document;
  std::int64_t depth = 0;  ///< links from the start, at least 1
  Relation by;             ///< the link that led there, seen from the nearer document
};
struct Neighbourhood {
  Document document;
  std::vector<Neighbour> neighbours;  ///< nearest first, each document once
  bool truncated = false;             ///< neighbours_max or path_visits_max was reached
};
struct NeighbourhoodRequest {
  DocumentRef ref;
  std::int64_t depth_max = 1;               ///< 1 to 16; InvalidArgument "depth_max" else
  std::vector<std::string> relation_types;  ///< "child", …; all when empty
};
/// Errors: NotFound, InvalidArgument "invalid_relation_type".
Result<Neighbourhood> neighbourhood(store::Connection& db, const Viewer& viewer,
                                    const NeighbourhoodRequest& request,
                                    const DocumentLimits& limits);

struct PathRequest {
  DocumentRef from;
  DocumentRef to;
  std::vector<std::string> relation_types;
};
/// The links of one shortest way through documents that the viewer may see, in order; empty when
/// both are one document. Errors: NotFound
/// "document_not_found", "no_path", ResourceExhausted "path_visits_max" (not found within the
/// limit: there may be one).
Result<std::vector<Relation>> findPath(store::Connection& db, const Viewer& viewer,
                                       const PathRequest& request, const DocumentLimits& limits);

}  // namespace tutti::documents
