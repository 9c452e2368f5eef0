#include "server/documents/check.hpp"

#include <algorithm>
#include <filesystem>

#include "server/base/sha256.hpp"
#include "server/documents/circles.hpp"
#include "server/documents/relations.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
constexpr std::int64_t kPage = 500;
constexpr std::size_t kPieceMax = 1U << 20;

class Check {
 public:
  Check(store::Store& store, const ContentFiles& files, const CheckOptions& options)
      : store_(store), files_(files), options_(options) {}

  Result<Checked> run() {
    for (const auto step : {&Check::rows, &Check::contents, &Check::strays})
      if (Status done = (this->*step)(); !done.ok()) return std::move(done).error();
    return std::move(checked_);
  }

 private:
  void report(Finding finding) {
    ++checked_.findings_count;
    if (finding.kind == Finding::Kind::Damage) ++checked_.damage_count;
    if (checked_.findings.size() < options_.findings_max)
      checked_.findings.push_back(std::move(finding));
  }
  void damage(const char* name, std::string subject, std::string message) {
    report({Finding::Kind::Damage, name, std::move(subject), std::move(message), false});
  }

  Status rows();
  void each(store::Connection& db, const char* name, std::string_view sql, const char* message);
  Status contents();
  void content(const ContentPlace& place);
  Result<bool> stillNamed(const std::string& hash);
  Status strays();
  Status strayFile(const std::string& hash);

  store::Store& store_;
  const ContentFiles& files_;
  const CheckOptions options_;
  Checked checked_;
};

std::int64_t count(store::Connection& db, std::string_view table) {
  Statement row(db, "SELECT count(*) FROM " + std::string(table));
  return row.step() ? row.integer(0) : 0;
}

/// Each row of `sql`, whose first column names the thing, is a damage.
void Check::each(store::Connection& db, const char* name, std::string_view sql,
                 const char* message) {
  Statement rows(db, sql);
  while (rows.step()) {
    std::string subject = rows.text(0);
    std::string text = subject + " " + message;
    damage(name, std::move(subject), std::move(text));
  }
}

/// What the tables say of one another, in one snapshot.
Status Check::rows() {
  return store_.readAndWait([this](store::Connection& db) {
    checked_.documents = count(db, "documents");
    checked_.versions = count(db, "document_versions");
    checked_.contents = count(db, "document_contents");
    each(db, "newest_version_missing",
         "SELECT d.id FROM documents AS d WHERE d.version > 0 AND NOT EXISTS (SELECT 1"
         " FROM document_versions AS v JOIN document_contents AS c ON c.content_seq = v.content_seq"
         " WHERE v.document_seq = d.document_seq AND v.version = d.version"
         " AND c.hash = d.checksum AND c.size_bytes = d.size_bytes)",
         "says of its newest version what that version does not");
    each(db, "placeholder_with_content",
         "SELECT d.id FROM documents AS d WHERE d.version = 0 AND (d.checksum <> ''"
         " OR EXISTS (SELECT 1 FROM document_versions AS v WHERE v.document_seq = d.document_seq))",
         "has no version and content all the same");
    each(db, "version_from_the_future",
         "SELECT d.id FROM documents AS d JOIN document_versions AS v"
         " ON v.document_seq = d.document_seq WHERE v.version > d.version",
         "has a version that is newer than its newest");
    each(db, "version_without_content",
         "SELECT d.id || ' version ' || v.version FROM document_versions AS v"
         " JOIN documents AS d ON d.document_seq = v.document_seq WHERE NOT EXISTS ("
         " SELECT 1 FROM document_contents AS c WHERE c.content_seq = v.content_seq)",
         "has no content");
    each(db, "content_without_version",
         "SELECT c.hash FROM document_contents AS c WHERE NOT EXISTS ("
         " SELECT 1 FROM document_versions AS v WHERE v.content_seq = c.content_seq)",
         "belongs to no version");
    each(db, "relation_one_sided",
         "SELECT r.id FROM document_relations AS r WHERE NOT EXISTS ("
         " SELECT 1 FROM document_relations AS o WHERE o.document_seq = r.related_seq"
         " AND o.related_seq = r.document_seq AND o.relation_type = CASE r.relation_type"
         " WHEN 'parent' THEN 'child' WHEN 'child' THEN 'parent' WHEN 'predecessor' THEN"
         " 'successor' WHEN 'successor' THEN 'predecessor' ELSE 'related' END)",
         "is a relation that has only one side");
    for (const std::int64_t document_seq : inParentCircles(db)) {
      Statement document(db, "SELECT id FROM documents WHERE document_seq = ?", document_seq);
      if (!document.step()) continue;
      damage("parent_cycle", document.text(0),
             document.text(0) + " is its own parent, by way of others");
    }
    return ok();
  });
}

/// Content by content, so that no snapshot is held for long.
Status Check::contents() {
  for (std::int64_t after = 0;;) {
    std::vector<std::pair<std::int64_t, ContentPlace>> page;
    const Status read = store_.readAndWait([&](store::Connection& db) {
      page.clear();
      Statement rows(db,
                     "SELECT content_seq, hash, size_bytes, bytes IS NULL, bytes"
                     " FROM document_contents WHERE content_seq > ? ORDER BY content_seq LIMIT ?",
                     after, kPage);
      while (rows.step())
        page.push_back(
            {rows.integer(0), {rows.text(1), rows.integer(2), rows.integer(3) != 0, rows.blob(4)}});
      return ok();
    });
    if (!read.ok()) return read;
    if (page.empty()) return ok();
    for (const auto& [content_seq, place] : page) {
      content(place);
      after = content_seq;
    }
  }
}

Result<bool> Check::stillNamed(const std::string& hash) {
  bool named = false;
  const Status read = store_.readAndWait([&](store::Connection& db) {
    named = unnamed(db, {hash}).empty();
    return ok();
  });
  if (!read.ok()) return read.error();
  return named;
}

void Check::content(const ContentPlace& place) {
  auto reader = files_.open(place);
  if (!reader.ok()) {
    // Removed since its row was read?
    const auto named = stillNamed(place.hash);
    if (named.ok() && *named)
      damage("content_missing", place.hash, "content " + place.hash + " has a row and no file");
    return;
  }
  std::error_code failed;
  const auto size = place.in_file ? std::filesystem::file_size(files_.pathOf(place.hash), failed)
                                  : place.bytes.size();
  if (!failed && static_cast<std::int64_t>(size) != place.size_bytes)
    return damage("content_damaged", place.hash,
                  "content " + place.hash + " has " + std::to_string(size) + " bytes instead of " +
                      std::to_string(place.size_bytes));
  if (!options_.hash) return;
  Sha256 hash;
  for (std::int64_t at = 0; at < reader->size();) {
    auto piece = reader->read(at, kPieceMax);
    if (!piece.ok()) return damage("content_damaged", place.hash, piece.error().message());
    hash.add(*piece);
    at += static_cast<std::int64_t>(piece->size());
  }
  checked_.bytes_hashed += reader->size();
  if (hash.finish() != place.hash)
    damage("content_damaged", place.hash, "content " + place.hash + " has other bytes than it had");
}

/// A file that no row names: between rename and commit that is no garbage, so only the lock tells.
Status Check::strayFile(const std::string& hash) {
  auto lock = files_.tryLockForRemoval();
  if (!lock.ok()) return std::move(lock).error();
  if (!*lock) return ok();
  const auto named = stillNamed(hash);
  if (!named.ok()) return named.error();
  if (*named) return ok();
  Finding finding{Finding::Kind::Garbage, "orphan_file", hash,
                  "file of content " + hash + " belongs to no document", false};
  if (options_.fix) {
    if (Status removed = files_.remove(hash); !removed.ok()) return removed;
    const Status noted = store_.writeAndWait([&](store::Tx& tx) {
      removalsDone(tx, {hash});
      return ok();
    });
    if (!noted.ok()) return noted;
    finding.fixed = true;
  }
  report(std::move(finding));
  return ok();
}

Status Check::strays() {
  auto found = files_.list();
  if (!found.ok()) return std::move(found).error();
  checked_.files = static_cast<std::int64_t>(found->hashes.size());
  std::vector<std::string> without;
  const Status read = store_.readAndWait([&](store::Connection& db) {
    without = unnamed(db, found->hashes);
    return ok();
  });
  if (!read.ok()) return read;
  for (const std::string& hash : without)
    if (Status done = strayFile(hash); !done.ok()) return done;
  if (options_.fix && !found->leftovers.empty())
    if (auto swept = files_.sweepLeftovers(); !swept.ok()) return std::move(swept).error();
  for (const auto& path : found->leftovers)
    report({Finding::Kind::Garbage, "staged_leftover", path.string(),
            "'" + path.string() + "' was left by a writer that died", options_.fix});
  for (const auto& path : found->strangers)
    report({Finding::Kind::Garbage, "strange_file", path.string(),
            "'" + path.string() + "' is not the context store's; remove it by hand", false});
  return ok();
}
}  // namespace

Result<Checked> checkDocuments(store::Store& store, const ContentFiles& files,
                               const CheckOptions& options) {
  return Check(store, files, options).run();
}

}  // namespace tutti::documents
