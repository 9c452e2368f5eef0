// Making, changing and removing documents. For their versions see versions.cpp, for finding them
// query.cpp.
#include "server/documents/documents.hpp"

#include <algorithm>
#include <set>

#include "server/documents/rows.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
Status checkVersion(const Document& document, const std::optional<std::int64_t>& expected) {
  if (!expected || *expected == document.version) return ok();
  return versionConflict(document, *expected);
}

Status checkRevision(const Document& document, const std::optional<std::int64_t>& expected) {
  if (!expected || *expected == document.revision) return ok();
  return Error(Code::Conflict,
               "document '" + document.id + "' is at revision " +
                   std::to_string(document.revision) + ", not " + std::to_string(*expected),
               "read its description again and base the change on what it is now")
      .named("revision_conflict")
      .withDetails("{\"expected_revision\":" + std::to_string(*expected) +
                   ",\"revision\":" + std::to_string(document.revision) + "}");
}

Status checkNote(std::string_view note, const DocumentLimits& limits) {
  if (note.size() <= limits.note_bytes_max) return ok();
  return Error(Code::InvalidArgument, "the note has " + std::to_string(note.size()) + " bytes",
               "use at most " + std::to_string(limits.note_bytes_max))
      .named("note_bytes_max");
}

/// A document's newest content.
struct VersionContent {
  std::int64_t content_seq = 0;
  std::string_view note;
};

void insertVersion(store::Tx& tx, const DocumentRow& row, const Author& author,
                   const VersionContent& content) {
  const Document& document = row.document;
  store::execute(tx,
                 "INSERT INTO document_versions(document_seq, version, content_seq, content_type,"
                 " author_session, created_at, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
                 row.document_seq, document.version, content.content_seq, document.content_type,
                 author.viewer.session_id, author.now, content.note);
}

void insertDocument(store::Tx& tx, DocumentRow& row) {
  const Document& document = row.document;
  store::execute(
      tx,
      "INSERT INTO documents(id, partition, filename, content_type, size_bytes, checksum,"
      " created_at, updated_at, tags, metadata, version, author_session)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      document.id, document.partition, document.filename, document.content_type,
      document.size_bytes, document.checksum, document.created_at, document.updated_at,
      tagsText(document.tags), metadataText(document.metadata), document.version,
      document.author_session);
  row.document_seq = tx.lastInsertId();
  if (row.document_seq % kNamesAside == 0) indexNames(tx, row.document_seq);
}

/// What a new content makes of the document's row: its next version.
void writeNewVersion(store::Tx& tx, const Author& author, DocumentRow& row,
                     const VersionContent& content) {
  Document& document = row.document;
  ++document.version;
  ++document.revision;
  document.updated_at = author.now;
  store::execute(tx,
                 "UPDATE documents SET content_type = ?, size_bytes = ?, checksum = ?,"
                 " updated_at = ?, version = ?, revision = ? WHERE document_seq = ?",
                 document.content_type, document.size_bytes, document.checksum, document.updated_at,
                 document.version, document.revision, row.document_seq);
  insertVersion(tx, row, author, content);
  retire(tx, row.document_seq, author.retention, author.now);
  noteChange(tx, document, "updated");
  queueForIndex(tx, document, "put", author.now);
}
}  // namespace

Error versionConflict(const Document& document, std::int64_t expected) {
  return Error(Code::Conflict,
               "document '" + document.id + "' is at version " + std::to_string(document.version) +
                   ", not " + std::to_string(expected),
               "read it again and base the change on what it is now")
      .named("version_conflict")
      .withDetails("{\"expected_version\":" + std::to_string(expected) +
                   ",\"version\":" + std::to_string(document.version) + "}");
}

Result<Document> createDocument(store::Tx& tx, const Author& author, const NewDocument& input,
                                const Content* content) {
  if (Status named = checkFilename(input.filename, author.limits); !named.ok())
    return std::move(named).error();
  if (Status typed = input.content_type.empty() ? ok() : checkContentType(input.content_type);
      !typed.ok())
    return std::move(typed).error();
  if (Status known = checkMetadata(input.metadata, author.limits); !known.ok())
    return std::move(known).error();
  if (Status noted = checkNote(input.note, author.limits); !noted.ok())
    return std::move(noted).error();
  auto tags = checkedTags(input.tags, author.limits);
  if (!tags.ok()) return std::move(tags).error();
  auto partition = partitionForWriting(tx, author.viewer, input.place, author.now);
  if (!partition.ok()) return std::move(partition).error();

  DocumentRow row;
  Document& document = row.document;
  document.id = newDocumentId();
  document.filename = input.filename;
  document.content_type =
      input.content_type.empty() ? contentTypeOf(input.filename) : input.content_type;
  document.tags = std::move(*tags);
  document.metadata = input.metadata;
  document.partition = partition->name;
  document.created_at = document.updated_at = author.now;
  document.author_session = author.viewer.session_id;
  std::int64_t content_seq = 0;
  if (content != nullptr) {
    content_seq = insertContent(tx, *content, author.now);
    document.size_bytes = content->size_bytes;
    document.checksum = content->hash;
    document.version = 1;
  }
  insertDocument(tx, row);
  if (content != nullptr) insertVersion(tx, row, author, {content_seq, input.note});
  insertLabels(tx, row);
  noteChange(tx, document, "created");
  queueForIndex(tx, document, "put", author.now);
  return std::move(document);
}

Result<Changed> putContent(store::Tx& tx, const Author& author, const NewContent& input,
                           const Content& content) {
  if (Status noted = checkNote(input.note, author.limits); !noted.ok())
    return std::move(noted).error();
  if (Status typed = input.content_type.empty() ? ok() : checkContentType(input.content_type);
      !typed.ok())
    return std::move(typed).error();
  auto row = findRow(tx, author.viewer, input.ref);
  if (!row.ok()) return std::move(row).error();
  Document& document = row->document;
  if (Status as = checkVersion(document, input.expected_version); !as.ok())
    return std::move(as).error();
  const bool same_type = input.content_type.empty() || input.content_type == document.content_type;
  if (document.checksum == content.hash && same_type) return Changed{std::move(document), false};

  const std::int64_t content_seq = insertContent(tx, content, author.now);
  document.checksum = content.hash;
  document.size_bytes = content.size_bytes;
  if (!same_type) document.content_type = input.content_type;
  writeNewVersion(tx, author, *row, {content_seq, input.note});
  return Changed{std::move(document), true};
}

Result<Changed> restoreVersion(store::Tx& tx, const Author& author, const Restore& restore) {
  if (Status noted = checkNote(restore.note, author.limits); !noted.ok())
    return std::move(noted).error();
  auto row = findRow(tx, author.viewer, restore.ref);
  if (!row.ok()) return std::move(row).error();
  Document& document = row->document;
  if (Status as = checkVersion(document, restore.expected_version); !as.ok())
    return std::move(as).error();
  auto version = findVersion(tx, document, restore.version);
  if (!version.ok()) return std::move(version).error();
  if (version->checksum == document.checksum && version->content_type == document.content_type)
    return Changed{std::move(document), false};

  document.checksum = version->checksum;
  document.size_bytes = version->size_bytes;
  document.content_type = version->content_type;
  const std::string note = restore.note.empty()
                               ? "restored from version " + std::to_string(version->version)
                               : restore.note;
  writeNewVersion(tx, author, *row, {contentSeq(tx, document.checksum), note});
  return Changed{std::move(document), true};
}

namespace {
Status checkChange(const MetadataChange& change, const DocumentLimits& limits) {
  if (change.filename)
    if (Status named = checkFilename(*change.filename, limits); !named.ok()) return named;
  if (change.content_type) return checkContentType(*change.content_type);
  return ok();
}

Status applyChange(Document& document, const MetadataChange& change, const DocumentLimits& limits) {
  if (change.filename) document.filename = *change.filename;
  if (change.content_type) document.content_type = *change.content_type;
  if (change.tags) {
    auto tags = checkedTags(*change.tags, limits);
    if (!tags.ok()) return std::move(tags).error();
    document.tags = std::move(*tags);
  }
  for (const auto& [key, value] : change.metadata) {
    if (value)
      document.metadata[key] = *value;
    else
      document.metadata.erase(key);
  }
  return checkMetadata(document.metadata, limits);
}
}  // namespace

Result<Document> changeMetadata(store::Tx& tx, const Author& author, const MetadataChange& change) {
  if (Status checked = checkChange(change, author.limits); !checked.ok())
    return std::move(checked).error();
  auto row = findRow(tx, author.viewer, change.ref);
  if (!row.ok()) return std::move(row).error();
  Document& document = row->document;
  if (Status as = checkRevision(document, change.expected_revision); !as.ok())
    return std::move(as).error();
  const DocumentRow before = *row;
  if (Status applied = applyChange(document, change, author.limits); !applied.ok())
    return std::move(applied).error();
  removeLabels(tx, before);
  ++document.revision;
  document.updated_at = author.now;
  store::execute(tx,
                 "UPDATE documents SET filename = ?, content_type = ?, tags = ?, metadata = ?,"
                 " updated_at = ?, revision = ? WHERE document_seq = ?",
                 document.filename, document.content_type, tagsText(document.tags),
                 metadataText(document.metadata), document.updated_at, document.revision,
                 row->document_seq);
  insertLabels(tx, *row);
  noteChange(tx, document, "updated");
  // Its name and type decide how its text is taken.
  queueForIndex(tx, document, "put", author.now);
  return std::move(document);
}

namespace {
std::vector<std::int64_t> childrenOf(store::Connection& db, std::int64_t document_seq) {
  std::vector<std::int64_t> children;
  Statement rows(db,
                 "SELECT related_seq FROM document_relations"
                 " WHERE document_seq = ? AND relation_type = 'child' ORDER BY id",
                 document_seq);
  while (rows.step()) children.push_back(rows.integer(0));
  return children;
}

/// The document and all below it that the viewer may see, children before their parents. By hand,
/// not by recursion: a chain may be long.
Result<std::vector<DocumentRow>> withChildren(store::Connection& db, const Author& author,
                                              DocumentRow top) {
  struct Step {
    DocumentRow row;
    std::vector<std::int64_t> children;
    std::size_t next = 0;
  };
  std::set<std::int64_t> seen{top.document_seq};
  std::vector<DocumentRow> order;
  std::vector<Step> way;
  way.push_back({top, childrenOf(db, top.document_seq)});
  while (!way.empty()) {
    Step& step = way.back();
    if (step.next == step.children.size()) {
      order.push_back(std::move(step.row));
      way.pop_back();
      continue;
    }
    const std::int64_t child = step.children[step.next++];
    if (!seen.insert(child).second) continue;
    if (static_cast<std::int64_t>(seen.size()) > author.limits.cascade_max)
      return Error(Code::ResourceExhausted,
                   "document '" + top.document.id + "' has more than " +
                       std::to_string(author.limits.cascade_max) + " documents below it",
                   "delete some of them first")
          .named("cascade_max");
    auto row = visibleRow(db, author.viewer, child);
    if (row) way.push_back({std::move(*row), childrenOf(db, child)});
  }
  return order;
}
}  // namespace

Result<std::vector<std::string>> deleteDocument(store::Tx& tx, const Author& author,
                                                const Deletion& deletion) {
  auto row = findRow(tx, author.viewer, deletion.ref);
  if (!row.ok()) return std::move(row).error();
  if (Status as = checkVersion(row->document, deletion.expected_version); !as.ok())
    return std::move(as).error();
  auto all = withChildren(tx, author, std::move(*row));
  if (!all.ok()) return std::move(all).error();
  std::vector<std::string> ids;
  for (const DocumentRow& one : *all) {
    removeRow(tx, one.document_seq, author.now);
    ids.push_back(one.document.id);
  }
  return ids;
}

Result<Document> findDocument(store::Connection& db, const Viewer& viewer, const DocumentRef& ref) {
  auto row = findRow(db, viewer, ref);
  if (!row.ok()) return std::move(row).error();
  return std::move(row->document);
}

std::vector<DocumentChange> changesSince(store::Connection& db, std::int64_t after,
                                         std::int64_t count_max) {
  std::vector<DocumentChange> changes;
  Statement rows(db,
                 "SELECT id, document_id, partition, change FROM document_changes WHERE id > ?"
                 " ORDER BY id LIMIT ?",
                 after, count_max);
  while (rows.step())
    changes.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.text(3)});
  return changes;
}

std::int64_t latestChange(store::Connection& db) {
  Statement row(db, "SELECT max(id) FROM document_changes");
  return row.step() ? row.integer(0) : 0;
}

}  // namespace tutti::documents
