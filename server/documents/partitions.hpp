// Partitions, and who sees which. In a caller's transaction; reads the table `sessions` of agents.
//
// A user's client (no session) sees everything. An agent sees the global partition, named ones, its
// own session tree's and its project's; for it, what is in others does not exist.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/types.hpp"
#include "server/store/connection.hpp"

namespace tutti::documents {

/// A caller, looked up once in a transaction.
struct Viewer {
  bool is_agent = false;
  std::string session_id;
  std::string tree;         ///< its tree's partition; "" for no agent
  std::string project;      ///< its project's partition; "" without a project folder
  std::string project_dir;  ///< where its files may come from and go to; "" for none
};
/// Errors: NotFound "session_not_found".
Result<Viewer> viewerOf(store::Connection& db, const Caller& caller);

/// "tree_<root session id>".
std::string treePartition(std::string_view root_session_id);
/// "project_<last name of the path made safe>_<8 hex of the path's SHA-256>".
std::string projectPartition(std::string_view project_dir);

bool mayWrite(const Viewer& viewer, const Partition& partition);
bool maySee(const Viewer& viewer, const Partition& partition);
/// The same for one that may be gone: then as its name was.
bool maySeeNamed(store::Connection& db, const Viewer& viewer, const std::string& partition);

/// The partition to write to; the caller's tree, project and, if so asked, a named one are made
/// when missing. Errors: NotFound "partition_not_found" (AOF: `Partition not found: x`; also for
/// one the caller may not see), InvalidArgument "invalid_partition" (bad name), "invalid_scope" for
/// Visible, FailedPrecondition "no_session" (Tree without a session), "no_project".
Result<Partition> partitionForWriting(store::Tx& tx, const Viewer& viewer, const Place& place,
                                      const std::string& now);

/// Where to look. A tree or project without documents yet has no row: then `names` has its name
/// all the same, and nothing is found.
struct Sight {
  bool everything = false;
  std::vector<std::string> names;  ///< partitions, unless `everything` or `visible`
  bool visible = false;            ///< global, named, and `names`
};
/// Errors: as partitionForWriting().
Result<Sight> sightOf(store::Connection& db, const Viewer& viewer, const Place& place);

/// Errors: InvalidArgument "invalid_partition" (AOF's pattern), "partition_reserved" (names that
/// begin with `tree_`, look like a project's, or begin with "_" as `_global`), Conflict
/// "partition_exists" (AOF: `Partition already exists: x`).
Result<Partition> createPartition(store::Tx& tx, const std::string& name,
                                  const std::string& description, const std::string& now);

/// By created_at, without `_global` (as AOF), those that the viewer may see.
std::vector<Partition> listPartitions(store::Connection& db, const Viewer& viewer);

struct DeletedPartition {
  std::string name;
  std::int64_t deleted_document_count = 0;
};
/// With all its documents. Errors: FailedPrecondition "partition_is_global" (AOF, 403: `Cannot
/// delete the global partition`), NotFound "partition_not_found".
Result<DeletedPartition> deletePartition(store::Tx& tx, const Viewer& viewer,
                                         const std::string& name, const std::string& now);

}  // namespace tutti::documents
