#include "server/documents/partitions.hpp"

#include <algorithm>
#include <filesystem>

#include "server/base/sha256.hpp"
#include "server/base/text.hpp"
#include "server/documents/rows.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
constexpr std::size_t kNameMax = 64;

bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool isNamePart(char c) {
  return isLetter(c) || (c >= '0' && c <= '9') || c == '-';
}

Status checkName(std::string_view name) {
  if (!name.empty() && name.size() <= kNameMax && isLetter(name.front()) &&
      std::all_of(name.begin(), name.end(), isNamePart))
    return ok();
  return Error(Code::InvalidArgument,
               "Invalid partition name: " + toValidUtf8(shortened(name, 80)) +
                   ". Must start with letter or underscore, contain only letters, numbers, "
                   "hyphens, underscores, and be 1-64 characters.",
               "choose another name, as team_1")
      .named("invalid_partition");
}

Error noPartition(std::string_view name,
                  const char* hint = "create it, or leave the partition out") {
  return Error(Code::NotFound, "Partition not found: " + std::string(name), hint)
      .named("partition_not_found");
}

PartitionKind kindFrom(std::string_view word) {
  for (const auto kind : {PartitionKind::Global, PartitionKind::Tree, PartitionKind::Project})
    if (toString(kind) == word) return kind;
  return PartitionKind::Named;
}

Partition partitionFrom(const Statement& row) {
  return {row.text(0), kindFrom(row.text(1)), row.text(2), row.text(3)};
}

std::optional<Partition> findPartition(store::Connection& db, std::string_view name) {
  Statement row(db,
                "SELECT name, kind, description, created_at FROM document_partitions"
                " WHERE name = ?",
                name);
  if (!row.step()) return std::nullopt;
  return partitionFrom(row);
}

void insertPartition(store::Tx& tx, const Partition& partition) {
  store::execute(tx,
                 "INSERT INTO document_partitions(name, kind, description, created_at)"
                 " VALUES (?, ?, ?, ?)",
                 partition.name, toString(partition.kind), partition.description,
                 partition.created_at);
}

/// What projectPartition() makes: "project_" … "_" and 8 hex digits.
bool looksLikeProject(std::string_view name) {
  constexpr std::size_t kDigits = 8;
  if (!name.starts_with("project_") || name.size() < 9 + kDigits) return false;
  const std::string_view end = name.substr(name.size() - kDigits - 1);
  return end.front() == '_' && end.find_first_not_of("0123456789abcdef", 1) == end.npos;
}

struct Wanted {
  std::string name;
  PartitionKind kind = PartitionKind::Global;
};

Error noSession() {
  return Error(Code::FailedPrecondition, "only an agent's session has a tree of its own",
               "use scope global or a partition")
      .named("no_session");
}

Error noProject() {
  return Error(Code::FailedPrecondition, "the caller has no project folder",
               "use scope tree or global, or a partition")
      .named("no_project");
}

Result<Wanted> wantedBy(const Viewer& viewer, const Place& place) {
  if (!place.partition.empty()) return Wanted{place.partition, PartitionKind::Named};
  switch (place.scope) {
    case Scope::Default:
      if (viewer.is_agent) return Wanted{viewer.tree, PartitionKind::Tree};
      break;
    case Scope::Tree:
      if (!viewer.is_agent) return noSession();
      return Wanted{viewer.tree, PartitionKind::Tree};
    case Scope::Project:
      if (viewer.project.empty()) return noProject();
      return Wanted{viewer.project, PartitionKind::Project};
    case Scope::Global:
      break;
    case Scope::Visible:
      return Error(Code::InvalidArgument, "scope 'visible' is for reading",
                   "write to tree, project or global")
          .named("invalid_scope");
  }
  return Wanted{std::string(kGlobalPartition), PartitionKind::Global};
}

/// A session that is gone leaves its children without the way up: they make a tree of their own.
std::string rootOf(store::Connection& db, const std::string& session_id) {
  Statement root(db,
                 "WITH RECURSIVE up(id, parent, steps) AS ("
                 " SELECT session_id, parent_session_id, 0 FROM sessions WHERE session_id = ?1"
                 " UNION ALL SELECT s.session_id, s.parent_session_id, steps + 1"
                 " FROM sessions AS s JOIN up ON s.session_id = up.parent WHERE steps < 64)"
                 " SELECT id FROM up ORDER BY steps DESC LIMIT 1",
                 session_id);
  return root.step() ? root.text(0) : session_id;
}
}  // namespace

Result<Viewer> viewerOf(store::Connection& db, const Caller& caller) {
  Viewer viewer;
  if (caller.session_id.empty()) return viewer;
  Statement session(db, "SELECT project_dir FROM sessions WHERE session_id = ?", caller.session_id);
  if (!session.step())
    return Error(Code::NotFound, "session '" + caller.session_id + "' not found",
                 "documents are kept for sessions that exist")
        .named("session_not_found");
  viewer.is_agent = true;
  viewer.session_id = caller.session_id;
  viewer.project_dir = session.text(0);
  viewer.tree = treePartition(rootOf(db, caller.session_id));
  if (!viewer.project_dir.empty()) viewer.project = projectPartition(viewer.project_dir);
  return viewer;
}

std::string treePartition(std::string_view root_session_id) {
  std::string name = "tree_" + std::string(root_session_id);
  if (name.size() <= kNameMax) return name;
  return name.substr(0, kNameMax - 17) + "_" + sha256Hex(name).substr(0, 16);
}

std::string projectPartition(std::string_view project_dir) {
  std::filesystem::path path = std::filesystem::path(project_dir).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  std::string base = path.filename().string();
  std::replace_if(
      base.begin(), base.end(), [](char c) { return !isNamePart(c); }, '_');
  return "project_" + base.substr(0, 40) + "_" + sha256Hex(path.string()).substr(0, 8);
}

bool maySee(const Viewer& viewer, const Partition& partition) {
  if (!viewer.is_agent) return true;
  switch (partition.kind) {
    case PartitionKind::Global:
    case PartitionKind::Named:
      return true;
    case PartitionKind::Tree:
      return partition.name == viewer.tree;
    case PartitionKind::Project:
      return partition.name == viewer.project;
  }
  return false;
}

bool maySeeNamed(store::Connection& db, const Viewer& viewer, const std::string& partition) {
  if (!viewer.is_agent || partition == viewer.tree || partition == viewer.project) return true;
  if (const auto found = findPartition(db, partition)) return maySee(viewer, *found);
  return !partition.starts_with("tree_") && !looksLikeProject(partition);
}

bool mayWrite(const Viewer& viewer, const Partition& partition) {
  return maySee(viewer, partition);
}

Result<Partition> partitionForWriting(store::Tx& tx, const Viewer& viewer, const Place& place,
                                      const std::string& now) {
  Result<Wanted> wanted = wantedBy(viewer, place);
  if (!wanted.ok()) return std::move(wanted).error();
  if (auto found = findPartition(tx, wanted->name)) {
    // A named partition in the place of a project's would show everybody what is put there.
    const bool taken = wanted->kind != PartitionKind::Named && found->kind != wanted->kind;
    if (taken || !mayWrite(viewer, *found)) return noPartition(wanted->name);
    return std::move(*found);
  }
  if (wanted->kind == PartitionKind::Named) {
    if (Status checked = checkName(wanted->name); !checked.ok()) return std::move(checked).error();
    if (!place.create_partition) return noPartition(wanted->name);
    return createPartition(tx, wanted->name, {}, now);
  }
  const Partition made{wanted->name, wanted->kind,
                       wanted->kind == PartitionKind::Project ? viewer.project_dir : "", now};
  insertPartition(tx, made);
  return made;
}

Result<Sight> sightOf(store::Connection& db, const Viewer& viewer, const Place& place) {
  Sight sight;
  if (place.partition.empty() && place.scope == Scope::Visible) {
    sight.everything = !viewer.is_agent;
    sight.visible = viewer.is_agent;
    if (viewer.is_agent) sight.names = {viewer.tree};
    if (!viewer.project.empty()) sight.names.push_back(viewer.project);
    return sight;
  }
  Result<Wanted> wanted = wantedBy(viewer, place);
  if (!wanted.ok()) return std::move(wanted).error();
  if (wanted->kind == PartitionKind::Named) {
    if (Status checked = checkName(wanted->name); !checked.ok()) return std::move(checked).error();
    const auto found = findPartition(db, wanted->name);
    if (!found || !maySee(viewer, *found)) return noPartition(wanted->name);
  }
  sight.names = {std::move(wanted->name)};
  return sight;
}

Result<Partition> createPartition(store::Tx& tx, const std::string& name,
                                  const std::string& description, const std::string& now) {
  if (Status checked = checkName(name); !checked.ok()) return std::move(checked).error();
  if (name != kGlobalPartition &&
      (name.front() == '_' || name.starts_with("tree_") || looksLikeProject(name)))
    return Error(Code::InvalidArgument, "partition name '" + name + "' is reserved",
                 "begin it with a letter, and not as a tree's or a project's")
        .named("partition_reserved");
  if (findPartition(tx, name))
    return Error(Code::Conflict, "Partition already exists: " + name,
                 "use it as it is, or choose another name")
        .named("partition_exists");
  Partition partition{name, PartitionKind::Named, description, now};
  insertPartition(tx, partition);
  return partition;
}

std::vector<Partition> listPartitions(store::Connection& db, const Viewer& viewer) {
  std::vector<Partition> partitions;
  Statement rows(db,
                 "SELECT name, kind, description, created_at FROM document_partitions"
                 " WHERE kind <> 'global' ORDER BY created_at, name");
  while (rows.step()) {
    Partition partition = partitionFrom(rows);
    if (maySee(viewer, partition)) partitions.push_back(std::move(partition));
  }
  return partitions;
}

Result<DeletedPartition> deletePartition(store::Tx& tx, const Viewer& viewer,
                                         const std::string& name, const std::string& now) {
  if (name == kGlobalPartition)
    return Error(Code::FailedPrecondition, "Cannot delete the global partition",
                 "delete its documents instead")
        .named("partition_is_global");
  const auto partition = findPartition(tx, name);
  if (!partition || !mayWrite(viewer, *partition))
    return noPartition(name, "it is deleted already, or its name is another: list the partitions");
  DeletedPartition deleted{name, 0};
  for (;;) {
    std::vector<std::int64_t> some;
    {
      Statement rows(tx, "SELECT document_seq FROM documents WHERE partition = ? LIMIT 256", name);
      while (rows.step()) some.push_back(rows.integer(0));
    }
    if (some.empty()) break;
    for (const std::int64_t document_seq : some) removeRow(tx, document_seq, now);
    deleted.deleted_document_count += static_cast<std::int64_t>(some.size());
  }
  store::execute(tx, "DELETE FROM document_partitions WHERE name = ?", name);
  return deleted;
}

}  // namespace tutti::documents
