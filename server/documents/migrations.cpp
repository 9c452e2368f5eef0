// Rows refer to one another by counted numbers, so that what is inserted together lies together in
// every index but one: contents are found by their hash. A migration that has been released is
// never edited.
#include "server/documents/migrations.hpp"

namespace tutti::documents {
namespace {
constexpr std::string_view kDocuments = R"sql(
CREATE TABLE document_partitions (
  name        TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  created_at  TEXT NOT NULL
);
INSERT INTO document_partitions(name, kind, created_at) VALUES ('_global', 'global', '');

-- `bytes` is NULL for a content that is a file.
CREATE TABLE document_contents (
  content_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  hash        TEXT NOT NULL UNIQUE,
  size_bytes  INTEGER NOT NULL,
  bytes       BLOB,
  created_at  TEXT NOT NULL
);

-- tags: a JSON array; metadata: a JSON object. Both are in document_labels too, to be found by.
CREATE TABLE documents (
  document_seq   INTEGER PRIMARY KEY AUTOINCREMENT,
  id             TEXT NOT NULL UNIQUE,
  partition      TEXT NOT NULL REFERENCES document_partitions (name),
  filename       TEXT NOT NULL,
  content_type   TEXT NOT NULL,
  size_bytes     INTEGER NOT NULL DEFAULT 0,
  checksum       TEXT NOT NULL DEFAULT '',
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL,
  tags           TEXT NOT NULL DEFAULT '[]',
  metadata       TEXT NOT NULL DEFAULT '{}',
  version        INTEGER NOT NULL DEFAULT 0,
  revision       INTEGER NOT NULL DEFAULT 1,
  author_session TEXT NOT NULL DEFAULT ''
);
CREATE INDEX documents_by_created ON documents (partition, created_at);
CREATE INDEX documents_by_updated ON documents (partition, updated_at);
CREATE INDEX documents_by_name ON documents (partition, filename);
CREATE INDEX documents_by_size ON documents (partition, size_bytes);
CREATE INDEX documents_by_author ON documents (author_session) WHERE author_session <> '';

CREATE TABLE document_versions (
  document_seq   INTEGER NOT NULL REFERENCES documents (document_seq),
  version        INTEGER NOT NULL,
  content_seq    INTEGER NOT NULL REFERENCES document_contents (content_seq),
  content_type   TEXT NOT NULL,
  author_session TEXT NOT NULL DEFAULT '',
  created_at     TEXT NOT NULL,
  note           TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (document_seq, version)
) WITHOUT ROWID;
CREATE INDEX document_versions_by_content ON document_versions (content_seq);

-- "t" and a tag; "m", a key, "=" and its value.
CREATE TABLE document_labels (
  label        TEXT NOT NULL,
  document_seq INTEGER NOT NULL REFERENCES documents (document_seq),
  PRIMARY KEY (label, document_seq)
) WITHOUT ROWID;
CREATE INDEX document_labels_by_document ON document_labels (document_seq);

-- Two rows a link, one on each document; relation_type says what the other is to it.
CREATE TABLE document_relations (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  document_seq  INTEGER NOT NULL REFERENCES documents (document_seq),
  related_seq   INTEGER NOT NULL REFERENCES documents (document_seq),
  relation_type TEXT NOT NULL,
  note          TEXT,
  created_at    TEXT NOT NULL,
  updated_at    TEXT NOT NULL,
  UNIQUE (document_seq, related_seq, relation_type)
);
CREATE INDEX document_relations_by_related ON document_relations (related_seq);

-- Contents whose rows are gone and whose files may go.
CREATE TABLE document_removals (
  hash       TEXT PRIMARY KEY,
  created_at TEXT NOT NULL
);

CREATE TABLE document_changes (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id TEXT NOT NULL,
  partition   TEXT NOT NULL,
  change      TEXT NOT NULL
);

-- What the search has to index anew or forget.
CREATE TABLE document_index_queue (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id TEXT NOT NULL,
  version     INTEGER NOT NULL,
  change      TEXT NOT NULL,
  queued_at   TEXT NOT NULL
);
)sql";

// Finds names by what they contain. It has no copy of the names: the triggers tell it the old one.
constexpr std::string_view kNames = R"sql(
CREATE VIRTUAL TABLE document_names USING fts5 (
  filename, content = 'documents', content_rowid = 'document_seq', tokenize = 'trigram',
  columnsize = 0
);
INSERT INTO document_names(document_names) VALUES ('rebuild');
CREATE TRIGGER document_names_insert AFTER INSERT ON documents BEGIN
  INSERT INTO document_names(rowid, filename) VALUES (new.document_seq, new.filename);
END;
CREATE TRIGGER document_names_delete AFTER DELETE ON documents BEGIN
  INSERT INTO document_names(document_names, rowid, filename)
    VALUES ('delete', old.document_seq, old.filename);
END;
CREATE TRIGGER document_names_update AFTER UPDATE OF filename ON documents
  WHEN old.filename <> new.filename BEGIN
  INSERT INTO document_names(document_names, rowid, filename)
    VALUES ('delete', old.document_seq, old.filename);
  INSERT INTO document_names(rowid, filename) VALUES (new.document_seq, new.filename);
END;
)sql";
}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> all = {
      {300, "documents", kDocuments},
      {301, "document names", kNames},
  };
  return all;
}

}  // namespace tutti::documents
