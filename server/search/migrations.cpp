// The index is a copy of what the documents hold: it can be dropped and built again. FTS5 has no
// counterpart in other databases; what they would have instead stands behind this folder.
#include "server/search/migrations.hpp"

namespace tutti::search {
namespace {
/// A document is indexed in parts of bounded size (most have one), each a row of the full-text
/// table with the same rowid. `scope` holds words made from partition and tags, so that a filter
/// runs inside the index. Chunks are the sections that answers point at, and what gets a vector.
constexpr std::string_view kSearch = R"sql(
CREATE TABLE search_documents (
  document_id TEXT PRIMARY KEY,
  version     INTEGER NOT NULL,
  filename    TEXT NOT NULL,
  partition   TEXT NOT NULL,
  text_hash   TEXT NOT NULL DEFAULT '',
  problem     TEXT NOT NULL DEFAULT '',
  problem_text TEXT NOT NULL DEFAULT '',
  indexed_at  TEXT NOT NULL
);

CREATE TABLE search_parts (
  part_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id TEXT NOT NULL REFERENCES search_documents (document_id) ON DELETE CASCADE
);
CREATE INDEX search_parts_by_document ON search_parts (document_id, part_id);

-- Without prefix indexes "ab*" gathers all rows of all its words before the first is ranked.
CREATE VIRTUAL TABLE search_text USING fts5(
  filename, headings, tags, text, scope,
  prefix = '2 3', tokenize = "porter unicode61 remove_diacritics 2");

-- The same without the texts: to find those that are called so among many that say so.
CREATE VIRTUAL TABLE search_titles USING fts5(
  filename, headings, tags, scope,
  tokenize = "porter unicode61 remove_diacritics 2");

CREATE TABLE search_chunks (
  chunk_id      INTEGER PRIMARY KEY AUTOINCREMENT,
  part_id       INTEGER NOT NULL REFERENCES search_parts (part_id) ON DELETE CASCADE,
  text_at       INTEGER NOT NULL,
  text_bytes    INTEGER NOT NULL,
  source_offset INTEGER NOT NULL,
  source_limit  INTEGER NOT NULL,
  embedded      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX search_chunks_by_part ON search_chunks (part_id, text_at);
CREATE INDEX search_chunks_by_embedded ON search_chunks (embedded, chunk_id);

CREATE TABLE search_vectors (
  chunk_id   INTEGER PRIMARY KEY REFERENCES search_chunks (chunk_id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  vector     BLOB NOT NULL
);
CREATE TABLE search_vector_changes (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  chunk_id INTEGER NOT NULL
);

CREATE TABLE search_models (
  generation INTEGER PRIMARY KEY AUTOINCREMENT,
  identity   TEXT NOT NULL,
  dimensions INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE search_retries (
  document_id TEXT PRIMARY KEY,
  attempts    INTEGER NOT NULL,
  retry_at_ms INTEGER NOT NULL,
  problem     TEXT NOT NULL,
  problem_text TEXT NOT NULL
);
)sql";
}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> all = {{350, "search", kSearch}};
  return all;
}

}  // namespace tutti::search
