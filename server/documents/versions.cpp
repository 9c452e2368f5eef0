#include <charconv>

#include "server/documents/documents.hpp"
#include "server/documents/rows.hpp"
#include "server/documents/time.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
constexpr std::string_view kColumns =
    "SELECT v.version, c.hash, c.size_bytes, v.content_type, v.author_session, v.created_at, v.note"
    " FROM document_versions AS v JOIN document_contents AS c ON c.content_seq = v.content_seq"
    " JOIN documents AS d ON d.document_seq = v.document_seq WHERE d.id = ?";

Version versionFrom(const Statement& row, const std::string& document_id) {
  Version version;
  version.document_id = document_id;
  version.version = row.integer(0);
  version.checksum = row.text(1);
  version.size_bytes = row.integer(2);
  version.content_type = row.text(3);
  version.author_session = row.text(4);
  version.created_at = row.text(5);
  version.note = row.text(6);
  return version;
}

Error versionNotFound(store::Connection& db, const Document& document, std::int64_t version) {
  Statement range(db,
                  "SELECT min(v.version) FROM document_versions AS v JOIN documents AS d"
                  " ON d.document_seq = v.document_seq WHERE d.id = ?",
                  document.id);
  const std::int64_t oldest = range.step() ? range.integer(0) : 0;
  std::string there = "it has none yet";
  if (document.version != 0)
    there = "there are " + std::to_string(oldest) + " to " + std::to_string(document.version);
  const bool was = version >= 1 && version <= document.version;
  if (was) there += "; this one was removed by the retention of old versions";
  return Error(
             Code::NotFound,
             "version " + std::to_string(version) + " of document '" + document.id + "' not found",
             std::move(there))
      .named("version_not_found");
}
}  // namespace

Result<Version> findVersion(store::Connection& db, const Document& document, std::int64_t version) {
  const std::int64_t wanted = version == 0 ? document.version : version;
  if (wanted == 0)
    return Error(Code::FailedPrecondition, "document '" + document.id + "' has no content yet",
                 "write some with doc_write")
        .named("no_content");
  static const std::string sql = std::string(kColumns) + " AND v.version = ?";
  Statement row(db, sql, document.id, wanted);
  if (!row.step()) return versionNotFound(db, document, wanted);
  return versionFrom(row, document.id);
}

Result<VersionPage> listVersions(store::Connection& db, const Viewer& viewer,
                                 const DocumentRef& ref, const std::string& before,
                                 std::int64_t count_max) {
  auto row = findRow(db, viewer, ref);
  if (!row.ok()) return std::move(row).error();
  std::int64_t below = row->document.version + 1;
  if (!before.empty()) {
    const char* end = before.data() + before.size();
    const auto [stopped, error] = std::from_chars(before.data(), end, below);
    if (error != std::errc() || stopped != end)
      return Error(Code::InvalidArgument, "the cursor is not one that a list of versions gave",
                   "begin without a cursor")
          .named("invalid_cursor");
  }
  VersionPage page;
  static const std::string sql =
      std::string(kColumns) + " AND v.version < ? ORDER BY v.version DESC LIMIT ?";
  Statement rows(db, sql, ref.document_id, below, count_max + 1);
  while (rows.step()) {
    if (static_cast<std::int64_t>(page.versions.size()) == count_max) {
      if (!page.versions.empty()) page.next = std::to_string(page.versions.back().version);
      break;
    }
    page.versions.push_back(versionFrom(rows, ref.document_id));
  }
  return page;
}

std::int64_t retireOldVersions(store::Tx& tx, const Retention& retention, const std::string& now,
                               std::int64_t count_max) {
  if (retention.versions_age_max_s <= 0) return 0;
  struct Old {
    std::int64_t document_seq;
    std::int64_t version;
    std::string hash;
  };
  std::vector<Old> olds;
  {
    Statement rows(tx,
                   // CROSS JOIN: this table first.
                   "SELECT s.document_seq, s.version, c.hash FROM document_versions_superseded AS s"
                   " CROSS JOIN document_versions AS v"
                   " ON v.document_seq = s.document_seq AND v.version = s.version"
                   " JOIN document_contents AS c ON c.content_seq = v.content_seq"
                   " WHERE s.created_at < ? LIMIT ?",
                   earlier(now, retention.versions_age_max_s), count_max);
    while (rows.step()) olds.push_back({rows.integer(0), rows.integer(1), rows.text(2)});
  }
  for (const Old& old : olds) {
    store::execute(tx, "DELETE FROM document_versions WHERE document_seq = ? AND version = ?",
                   old.document_seq, old.version);
    releaseContent(tx, old.hash, now);
  }
  return static_cast<std::int64_t>(olds.size());
}

}  // namespace tutti::documents
