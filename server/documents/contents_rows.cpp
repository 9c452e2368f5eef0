#include "server/documents/contents.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

std::int64_t insertContent(store::Tx& tx, const Content& content, const std::string& now) {
  const std::optional<store::Blob> bytes =
      content.in_file ? std::nullopt : std::optional(store::Blob{content.bytes});
  const std::int64_t inserted =
      store::execute(tx,
                     "INSERT INTO document_contents(hash, size_bytes, bytes, created_at)"
                     " VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",
                     content.hash, content.size_bytes, bytes, now);
  return inserted > 0 ? tx.lastInsertId() : contentSeq(tx, content.hash);
}

std::int64_t contentSeq(store::Connection& db, std::string_view hash) {
  Statement row(db, "SELECT content_seq FROM document_contents WHERE hash = ?", hash);
  return row.step() ? row.integer(0) : 0;
}

void releaseContent(store::Tx& tx, std::string_view hash, const std::string& now) {
  Statement row(tx,
                "SELECT content_seq, bytes IS NULL FROM document_contents AS c WHERE hash = ?"
                " AND NOT EXISTS (SELECT 1 FROM document_versions AS v"
                " WHERE v.content_seq = c.content_seq)",
                hash);
  if (!row.step()) return;
  const std::int64_t content_seq = row.integer(0);
  const bool in_file = row.integer(1) != 0;
  store::execute(tx, "DELETE FROM document_contents WHERE content_seq = ?", content_seq);
  if (!in_file) return;
  store::execute(tx,
                 "INSERT INTO document_removals(hash, created_at) VALUES (?, ?)"
                 " ON CONFLICT (hash) DO NOTHING",
                 hash, now);
}

Result<ContentPlace> findContent(store::Connection& db, std::string_view hash) {
  Statement row(db, "SELECT size_bytes, bytes IS NULL, bytes FROM document_contents WHERE hash = ?",
                hash);
  if (!row.step())
    return Error(Code::Internal, "content " + std::string(hash) + " has no row",
                 "tutti doctor says what else is missing")
        .named("content_missing");
  ContentPlace place;
  place.hash = hash;
  place.size_bytes = row.integer(0);
  place.in_file = row.integer(1) != 0;
  place.bytes = row.blob(2);
  return place;
}

std::vector<std::string> removalsWaiting(store::Connection& db, std::int64_t count_max) {
  std::vector<std::string> hashes;
  Statement rows(db, "SELECT hash FROM document_removals ORDER BY created_at LIMIT ?", count_max);
  while (rows.step()) hashes.push_back(rows.text(0));
  return hashes;
}

std::vector<std::string> unnamed(store::Connection& db, const std::vector<std::string>& hashes) {
  std::vector<std::string> without;
  for (const std::string& hash : hashes) {
    Statement row(db, "SELECT 1 FROM document_contents WHERE hash = ? AND bytes IS NULL", hash);
    if (!row.step()) without.push_back(hash);
  }
  return without;
}

void removalsDone(store::Tx& tx, const std::vector<std::string>& hashes) {
  for (const std::string& hash : hashes)
    store::execute(tx, "DELETE FROM document_removals WHERE hash = ?", hash);
}

}  // namespace tutti::documents
