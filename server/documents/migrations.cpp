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

// What a push need not pay for. Names come into their index many at once (see indexNames()): the
// triggers leave alone what is not in it yet. Labels are removed by what their document says, so
// they need no index by document, nor a key whose check would look for them all.
constexpr std::string_view kCheaperPushes = R"sql(
CREATE TABLE document_names_state (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  indexed_seq INTEGER NOT NULL
);
INSERT INTO document_names_state(id, indexed_seq)
  SELECT 1, coalesce(max(document_seq), 0) FROM documents;
DROP TRIGGER document_names_insert;
DROP TRIGGER document_names_delete;
DROP TRIGGER document_names_update;
CREATE TRIGGER document_names_delete AFTER DELETE ON documents
  WHEN old.document_seq <= (SELECT indexed_seq FROM document_names_state) BEGIN
  INSERT INTO document_names(document_names, rowid, filename)
    VALUES ('delete', old.document_seq, old.filename);
END;
CREATE TRIGGER document_names_update AFTER UPDATE OF filename ON documents
  WHEN old.filename <> new.filename
   AND old.document_seq <= (SELECT indexed_seq FROM document_names_state) BEGIN
  INSERT INTO document_names(document_names, rowid, filename)
    VALUES ('delete', old.document_seq, old.filename);
  INSERT INTO document_names(rowid, filename) VALUES (new.document_seq, new.filename);
END;

CREATE TABLE document_labels_new (
  label        TEXT NOT NULL,
  document_seq INTEGER NOT NULL,
  PRIMARY KEY (label, document_seq)
) WITHOUT ROWID;
INSERT INTO document_labels_new(label, document_seq)
  SELECT label, document_seq FROM document_labels ORDER BY label, document_seq;
DROP TABLE document_labels;
ALTER TABLE document_labels_new RENAME TO document_labels;

-- Only its oldest rows are ever removed, so its numbers count on by themselves.
CREATE TABLE document_changes_new (
  id          INTEGER PRIMARY KEY,
  document_id TEXT NOT NULL,
  partition   TEXT NOT NULL,
  change      TEXT NOT NULL
);
INSERT INTO document_changes_new SELECT id, document_id, partition, change FROM document_changes;
DROP TABLE document_changes;
ALTER TABLE document_changes_new RENAME TO document_changes;
)sql";

// Documents are counted in the order of their creation, so who wants them in that order need not
// look at the times; but a clock can be set back. From `rising_from` on each document's created_at
// is at least that of all before it, and none below `rising_from` has one above `highest_before`.
constexpr std::string_view kCreationOrder = R"sql(
CREATE TABLE document_creation_state (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  rising_from    INTEGER NOT NULL,
  highest_before TEXT NOT NULL
);
INSERT INTO document_creation_state(id, rising_from, highest_before)
  SELECT 1, coalesce(max(document_seq) + 1, 0), coalesce(max(before), '')
  FROM (SELECT document_seq, created_at, max(created_at) OVER (
          ORDER BY document_seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM documents)
  WHERE created_at < before;
CREATE TRIGGER document_creation_insert AFTER INSERT ON documents
  WHEN new.created_at < (SELECT max(highest_before, coalesce((
    SELECT created_at FROM documents WHERE document_seq < new.document_seq
    ORDER BY document_seq DESC LIMIT 1), '')) FROM document_creation_state) BEGIN
  UPDATE document_creation_state SET rising_from = new.document_seq + 1,
    highest_before = max(highest_before, coalesce((
      SELECT created_at FROM documents WHERE document_seq < new.document_seq
      ORDER BY document_seq DESC LIMIT 1), ''));
END;
)sql";

// Versions that a newer one has followed, the oldest first: those that may grow too old. The newest
// of each document never do, and are most.
constexpr std::string_view kSuperseded = R"sql(
CREATE TABLE document_versions_superseded (
  created_at   TEXT NOT NULL,
  document_seq INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  PRIMARY KEY (created_at, document_seq, version)
) WITHOUT ROWID;
INSERT INTO document_versions_superseded(created_at, document_seq, version)
  SELECT v.created_at, v.document_seq, v.version FROM document_versions AS v
  JOIN documents AS d ON d.document_seq = v.document_seq
  WHERE v.version < d.version ORDER BY 1, 2, 3;
CREATE TRIGGER document_versions_supersede AFTER INSERT ON document_versions
  WHEN new.version > 1 BEGIN
  INSERT OR IGNORE INTO document_versions_superseded(created_at, document_seq, version)
    SELECT created_at, document_seq, version FROM document_versions
    WHERE document_seq = new.document_seq AND version < new.version
    ORDER BY version DESC LIMIT 1;
END;
CREATE TRIGGER document_versions_gone AFTER DELETE ON document_versions BEGIN
  DELETE FROM document_versions_superseded WHERE created_at = old.created_at
    AND document_seq = old.document_seq AND version = old.version;
END;
)sql";
}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> all = {
      {300, "documents", kDocuments},
      {301, "document names", kNames},
      {302, "cheaper pushes", kCheaperPushes},
      {303, "creation order", kCreationOrder},
      {304, "superseded versions", kSuperseded},
  };
  return all;
}

}  // namespace tutti::documents
