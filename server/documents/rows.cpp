#include "server/documents/rows.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "server/base/sha256.hpp"
#include "server/base/text.hpp"
#include "server/documents/contents.hpp"
#include "server/documents/time.hpp"
#include "server/store/connection.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
constexpr std::int64_t kChangesKept = 10'000;
constexpr std::int64_t kChangesRemovedAtOnce = 100;
constexpr std::size_t kLabelBytesMax = 160;

std::vector<std::string> tagsFrom(const std::string& text) {
  if (text == "[]") return {};
  const auto parsed = json::parse(text);
  return parsed.ok() ? parsed->get<std::vector<std::string>>() : std::vector<std::string>();
}

std::map<std::string, std::string> metadataOf(const std::string& text) {
  if (text == "{}") return {};
  const auto parsed = json::parse(text);
  return parsed.ok() ? parsed->get<std::map<std::string, std::string>>()
                     : std::map<std::string, std::string>();
}

const std::string& selectById() {
  static const std::string sql = "SELECT " + std::string(kDocumentColumns) +
                                 ", p.kind FROM documents AS d"
                                 " JOIN document_partitions AS p ON p.name = d.partition"
                                 " WHERE d.id = ?";
  return sql;
}

constexpr int kKindColumn = 14;

bool visible(const Statement& row, const Viewer& viewer) {
  if (!viewer.is_agent) return true;
  const std::string kind = row.text(kKindColumn);
  if (kind == "global" || kind == "named") return true;
  const std::string partition = row.text(10);
  return partition == viewer.tree || partition == viewer.project;
}
}  // namespace

DocumentRow rowFrom(const Statement& row) {
  DocumentRow found;
  int column = 0;
  found.document_seq = row.integer(column++);
  Document& document = found.document;
  document.id = row.text(column++);
  document.filename = row.text(column++);
  document.content_type = row.text(column++);
  document.size_bytes = row.integer(column++);
  document.checksum = row.text(column++);
  document.created_at = row.text(column++);
  document.updated_at = row.text(column++);
  document.tags = tagsFrom(row.text(column++));
  document.metadata = metadataOf(row.text(column++));
  document.partition = row.text(column++);
  document.version = row.integer(column++);
  document.revision = row.integer(column++);
  document.author_session = row.text(column++);
  return found;
}

Error documentNotFound(const DocumentRef& ref) {
  const std::string where = ref.partition.empty() || ref.partition == kGlobalPartition
                                ? "Document not found: "
                                : "Document not found in partition: ";
  return Error(Code::NotFound, where + shortened(toValidUtf8(ref.document_id), 80),
               "doc_query lists the documents there are")
      .named("document_not_found");
}

Result<DocumentRow> findRow(store::Connection& db, const Viewer& viewer, const DocumentRef& ref) {
  Statement row(db, selectById(), ref.document_id);
  if (!row.step() || !visible(row, viewer)) return documentNotFound(ref);
  if (!ref.partition.empty() && row.text(10) != ref.partition) return documentNotFound(ref);
  return rowFrom(row);
}

std::optional<DocumentRow> visibleRow(store::Connection& db, const Viewer& viewer,
                                      std::int64_t document_seq) {
  static const std::string sql = "SELECT " + std::string(kDocumentColumns) +
                                 ", p.kind FROM documents AS d"
                                 " JOIN document_partitions AS p ON p.name = d.partition"
                                 " WHERE d.document_seq = ?";
  Statement row(db, sql, document_seq);
  if (!row.step() || !visible(row, viewer)) return std::nullopt;
  return rowFrom(row);
}

void removeRow(store::Tx& tx, std::int64_t document_seq, const std::string& now) {
  const auto row = visibleRow(tx, Viewer{}, document_seq);
  if (!row) return;
  std::vector<std::string> hashes;
  {
    Statement contents(tx,
                       "SELECT DISTINCT c.hash FROM document_versions AS v"
                       " JOIN document_contents AS c ON c.content_seq = v.content_seq"
                       " WHERE v.document_seq = ?",
                       document_seq);
    while (contents.step()) hashes.push_back(contents.text(0));
  }
  removeLabels(tx, *row);
  for (const std::string_view sql : {"DELETE FROM document_versions WHERE document_seq = ?",
                                     "DELETE FROM document_relations WHERE document_seq = ?",
                                     "DELETE FROM document_relations WHERE related_seq = ?",
                                     "DELETE FROM documents WHERE document_seq = ?"})
    store::execute(tx, sql, document_seq);
  for (const std::string& hash : hashes) releaseContent(tx, hash, now);
  noteChange(tx, row->document, "deleted");
  queueForIndex(tx, row->document, "remove", now);
}

void noteChange(store::Tx& tx, const Document& document, std::string_view change) {
  store::execute(tx,
                 "INSERT INTO document_changes(document_id, partition, change) VALUES (?, ?, ?)",
                 document.id, document.partition, change);
  const std::int64_t id = tx.lastInsertId();
  if (id % kChangesRemovedAtOnce == 0)
    store::execute(tx, "DELETE FROM document_changes WHERE id <= ?", id - kChangesKept);
}

void queueForIndex(store::Tx& tx, const Document& document, std::string_view change,
                   const std::string& now) {
  store::execute(tx,
                 "INSERT INTO document_index_queue(document_id, version, change, queued_at)"
                 " VALUES (?, ?, ?, ?)",
                 document.id, document.version, change, now);
}

std::string tagLabel(std::string_view tag) {
  return "t" + std::string(tag);
}

std::string metadataLabel(std::string_view key, std::string_view value) {
  std::string label = "m" + std::string(key) + "=" + std::string(value);
  if (label.size() <= kLabelBytesMax) return label;
  // Keys have no control characters, so no two entries look alike.
  return "h" + sha256Hex(std::string(key) + '\0' + std::string(value));
}

std::set<std::string> labelsOf(const Document& document) {
  std::set<std::string> labels;
  for (const std::string& tag : document.tags) labels.insert(tagLabel(tag));
  for (const auto& [key, value] : document.metadata) labels.insert(metadataLabel(key, value));
  return labels;
}

void insertLabels(store::Tx& tx, const DocumentRow& row) {
  for (const std::string& label : labelsOf(row.document))
    store::execute(
        tx, "INSERT INTO document_labels(label, document_seq) VALUES (?, ?) ON CONFLICT DO NOTHING",
        label, row.document_seq);
}

void removeLabels(store::Tx& tx, const DocumentRow& row) {
  for (const std::string& label : labelsOf(row.document))
    store::execute(tx, "DELETE FROM document_labels WHERE label = ? AND document_seq = ?", label,
                   row.document_seq);
}

void indexNames(store::Tx& tx, std::int64_t document_seq) {
  store::execute(tx,
                 "INSERT INTO document_names(rowid, filename)"
                 " SELECT document_seq, filename FROM documents WHERE document_seq <= ?"
                 " AND document_seq > (SELECT indexed_seq FROM document_names_state)",
                 document_seq);
  store::execute(tx, "UPDATE document_names_state SET indexed_seq = ?1 WHERE indexed_seq < ?1",
                 document_seq);
}

std::string tagsText(const std::vector<std::string>& tags) {
  return tags.empty() ? "[]" : json::dump(Json(tags));
}

std::string metadataText(const std::map<std::string, std::string>& metadata) {
  return metadata.empty() ? "{}" : json::dump(Json(metadata));
}

namespace {
struct OldVersion {
  std::int64_t version = 0;
  std::string hash;
};

/// Those that go, of the document's versions from the newest to the oldest.
std::vector<OldVersion> retired(store::Tx& tx, std::int64_t document_seq,
                                const Retention& retention, const std::string& now) {
  std::vector<OldVersion> out;
  const std::string oldest =
      retention.versions_age_max_s > 0 ? earlier(now, retention.versions_age_max_s) : "";
  Statement rows(tx,
                 "SELECT v.version, c.hash, c.size_bytes, v.created_at FROM document_versions AS v"
                 " JOIN document_contents AS c ON c.content_seq = v.content_seq"
                 " WHERE v.document_seq = ? ORDER BY v.version DESC",
                 document_seq);
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  while (rows.step()) {
    ++count;
    bytes += rows.integer(2);
    const bool too_many = retention.versions_max > 0 && count > retention.versions_max;
    const bool too_large = retention.versions_bytes_max > 0 && bytes > retention.versions_bytes_max;
    const bool too_old = !oldest.empty() && rows.text(3) < oldest;
    if (count > 1 && (too_many || too_large || too_old))
      out.push_back({rows.integer(0), rows.text(1)});
  }
  return out;
}
}  // namespace

void retire(store::Tx& tx, std::int64_t document_seq, const Retention& retention,
            const std::string& now) {
  if (retention.versions_max <= 0 && retention.versions_age_max_s <= 0 &&
      retention.versions_bytes_max <= 0)
    return;
  for (const OldVersion& old : retired(tx, document_seq, retention, now)) {
    store::execute(tx, "DELETE FROM document_versions WHERE document_seq = ? AND version = ?",
                   document_seq, old.version);
    releaseContent(tx, old.hash, now);
  }
}

}  // namespace tutti::documents
