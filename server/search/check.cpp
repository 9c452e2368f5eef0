#include "server/search/check.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "server/base/clock.hpp"
#include "server/documents/label_check.hpp"
#include "server/search/full_text_check.hpp"
#include "server/search/text_index.hpp"
#include "server/store/statement.hpp"

namespace tutti::search {
using documents::Finding;
using store::Connection;
using store::execute;
using store::Statement;
using store::Tx;

namespace {
constexpr std::size_t kFixedAtOnce = 64;

/// Rows that should not be, or not so: the first column names one.
struct Question {
  const char* name;
  std::string_view sql;
  const char* message;
};

/// Of documents that the indexer is done with; what waits is not wrong.
#define TUTTI_NOT_WAITING(id)                                \
  id " NOT IN (SELECT document_id FROM document_index_queue" \
     " UNION SELECT document_id FROM search_retries)"

/// What is wrong with a document's entry: it is made anew.
constexpr Question kOfDocuments[] = {
    {"document_not_indexed",
     "SELECT d.id FROM documents AS d WHERE NOT EXISTS (SELECT 1 FROM search_documents AS s"
     " WHERE s.document_id = d.id) AND " TUTTI_NOT_WAITING("d.id"),
     "is not in the index"},
    {"index_out_of_date",
     "SELECT d.id FROM documents AS d JOIN search_documents AS s ON s.document_id = d.id"
     " WHERE (s.version <> d.version OR s.filename <> d.filename OR s.partition <> d.partition)"
     " AND " TUTTI_NOT_WAITING("d.id"),
     "is in the index as it was before"},
    {"index_without_document",
     "SELECT s.document_id FROM search_documents AS s WHERE NOT EXISTS (SELECT 1 FROM documents"
     " AS d WHERE d.id = s.document_id) AND " TUTTI_NOT_WAITING("s.document_id"),
     "is in the index and no document"},
    {"index_without_rows",
     "SELECT s.document_id FROM search_documents AS s WHERE NOT EXISTS (SELECT 1 FROM search_parts"
     " AS p WHERE p.document_id = s.document_id) AND " TUTTI_NOT_WAITING("s.document_id"),
     "counts as indexed and has nothing to be found by"},
    {"index_row_missing",
     "SELECT DISTINCT p.document_id FROM search_parts AS p WHERE (NOT EXISTS (SELECT 1"
     " FROM search_text AS t WHERE t.rowid = p.part_id) OR NOT EXISTS (SELECT 1"
     " FROM search_titles AS t WHERE t.rowid = p.part_id) OR NOT EXISTS (SELECT 1"
     " FROM search_documents AS s WHERE s.document_id = p.document_id))"
     " AND " TUTTI_NOT_WAITING("p.document_id"),
     "lacks rows in the index"},
    {"index_without_sections",
     "SELECT DISTINCT p.document_id FROM search_parts AS p JOIN search_text AS t"
     " ON t.rowid = p.part_id WHERE length(t.text) > 0 AND NOT EXISTS (SELECT 1"
     " FROM search_chunks AS c WHERE c.part_id = p.part_id)"
     " AND " TUTTI_NOT_WAITING("p.document_id"),
     "has text in the index and no sections"},
    {"section_outside_text",
     "SELECT DISTINCT p.document_id FROM search_chunks AS c JOIN search_parts AS p"
     " ON p.part_id = c.part_id JOIN search_text AS t ON t.rowid = c.part_id"
     " WHERE c.text_at + c.text_bytes > length(CAST(t.text AS BLOB))"
     " AND " TUTTI_NOT_WAITING("p.document_id"),
     "has a section in the index that its text does not"},
};
#undef TUTTI_NOT_WAITING

/// Rows of nobody; the first column is also what `remove` takes.
struct Stray {
  Question found;
  std::string_view remove;
};
constexpr Stray kStrays[] = {
    {{"text_without_document",
      "SELECT rowid FROM search_text WHERE rowid NOT IN (SELECT part_id FROM search_parts)",
      "is a row of text in the index that belongs to no document"},
     "DELETE FROM search_text WHERE rowid = ?"},
    {{"title_without_document",
      "SELECT rowid FROM search_titles WHERE rowid NOT IN (SELECT part_id FROM search_parts)",
      "is a row of names in the index that belongs to no document"},
     "DELETE FROM search_titles WHERE rowid = ?"},
    {{"section_without_text",
      "SELECT chunk_id FROM search_chunks WHERE part_id NOT IN (SELECT part_id FROM search_parts)",
      "is a section in the index that belongs to no document"},
     "DELETE FROM search_chunks WHERE chunk_id = ?"},
    {{"vector_without_section",
      "SELECT chunk_id FROM search_vectors WHERE chunk_id NOT IN (SELECT chunk_id"
      " FROM search_chunks)",
      "is a vector that belongs to no section"},
     "DELETE FROM search_vectors WHERE chunk_id = ?"},
    {{"vector_of_wrong_size",
      "SELECT v.chunk_id FROM search_vectors AS v JOIN search_chunks AS c USING (chunk_id)"
      " LEFT JOIN search_models AS m ON m.generation = v.generation"
      " WHERE m.generation IS NULL OR length(v.vector) <> 4 * m.dimensions",
      "is a section whose vector is not as long as its model's"},
     "DELETE FROM search_vectors WHERE chunk_id = ?"},
};

class IndexCheck {
 public:
  IndexCheck(store::Store& store, const IndexCheckOptions& options)
      : store_(store), options_(options) {}

  Result<IndexChecked> run() {
    // The tables first: rows of a broken one cannot be removed.
    for (const auto step : {&IndexCheck::fullText, &IndexCheck::labels, &IndexCheck::documents,
                            &IndexCheck::strays, &IndexCheck::count})
      if (Status done = (this->*step)(); !done.ok()) return std::move(done).error();
    return std::move(checked_);
  }

 private:
  void report(const char* name, std::string subject, std::string message) {
    ++checked_.findings_count;
    if (!options_.fix) ++checked_.unfixed_count;
    if (checked_.findings.size() >= options_.findings_max) return;
    checked_.findings.push_back(
        {Finding::Kind::Index, name, std::move(subject), std::move(message), options_.fix});
  }

  Status fullText();
  Status labels();
  Status documents();
  Status strays();
  Status count();
  Result<std::vector<std::string>> answers(const Question& question);
  Status makeAnew(const std::vector<std::string>& ids);
  Status remove(const Stray& stray, const std::vector<std::string>& rows);

  store::Store& store_;
  const IndexCheckOptions options_;
  IndexChecked checked_;
};

Status IndexCheck::fullText() {
  for (const FullTextTable& table : fullTextTables()) {
    const Status sound = checkFullText(store_, table);
    if (sound.ok()) continue;
    if (sound.error().name() != "database_corrupt") return sound;
    if (options_.fix)
      if (Status rebuilt = rebuildFullText(store_, table); !rebuilt.ok()) return rebuilt;
    report("full_text_damaged", table.name,
           std::string("the full-text index ") + table.name + " is not that of its texts");
  }
  return ok();
}

Status IndexCheck::labels() {
  return documents::findWrongLabels(store_, [this](const auto& wrong) {
    if (options_.fix)
      if (Status done = documents::mendLabels(store_, wrong); !done.ok()) return done;
    for (const documents::WrongLabel& label : wrong)
      report(label.missing ? "label_missing" : "label_stray",
             label.document_id.empty() ? std::to_string(label.document_seq) : label.document_id,
             label.text());
    return ok();
  });
}

Result<std::vector<std::string>> IndexCheck::answers(const Question& question) {
  std::vector<std::string> found;
  const Status read = store_.readAndWait([&](Connection& db) {
    found.clear();
    Statement rows(db, question.sql);
    while (rows.step()) found.push_back(rows.text(0));
    return ok();
  });
  if (!read.ok()) return read.error();
  return found;
}

Status IndexCheck::makeAnew(const std::vector<std::string>& ids) {
  for (std::size_t from = 0; from < ids.size(); from += kFixedAtOnce) {
    const Status done = store_.writeAndWait([&](Tx& tx) {
      for (std::size_t i = from; i < std::min(ids.size(), from + kFixedAtOnce); ++i) {
        removeDocument(tx, ids[i]);
        execute(tx,
                "INSERT INTO document_index_queue(document_id, version, change, queued_at)"
                " SELECT id, version, 'put', ? FROM documents WHERE id = ?",
                isoTimestamp(Clock::system().now()), ids[i]);
      }
      return ok();
    });
    if (!done.ok()) return done;
  }
  return ok();
}

Status IndexCheck::documents() {
  for (const Question& question : kOfDocuments) {
    const auto ids = answers(question);
    if (!ids.ok()) return ids.error();
    if (options_.fix)
      if (Status done = makeAnew(*ids); !done.ok()) return done;
    for (const std::string& id : *ids) report(question.name, id, id + " " + question.message);
  }
  return ok();
}

/// A section that loses its vector is to get another; who holds vectors in memory looks again.
Status IndexCheck::remove(const Stray& stray, const std::vector<std::string>& rows) {
  const bool vectors = std::string_view(stray.found.name).starts_with("vector_");
  for (std::size_t from = 0; from < rows.size(); from += kFixedAtOnce) {
    const Status done = store_.writeAndWait([&](Tx& tx) {
      for (std::size_t i = from; i < std::min(rows.size(), from + kFixedAtOnce); ++i) {
        const std::int64_t row = std::stoll(rows[i]);
        execute(tx, stray.remove, row);
        if (!vectors) continue;
        execute(tx, "UPDATE search_chunks SET embedded = 0 WHERE chunk_id = ?", row);
        execute(tx, "INSERT INTO search_vector_changes(chunk_id) VALUES (?)", row);
      }
      return ok();
    });
    if (!done.ok()) return done;
  }
  return ok();
}

Status IndexCheck::strays() {
  for (const Stray& stray : kStrays) {
    const auto rows = answers(stray.found);
    if (!rows.ok()) return rows.error();
    if (options_.fix)
      if (Status done = remove(stray, *rows); !done.ok()) return done;
    for (const std::string& row : *rows)
      report(stray.found.name, row, row + " " + stray.found.message);
  }
  return ok();
}

Status IndexCheck::count() {
  return store_.readAndWait([&](Connection& db) {
    const auto number = [&db](std::string_view sql) {
      Statement row(db, sql);
      return row.step() ? row.integer(0) : 0;
    };
    checked_.documents = number("SELECT count(*) FROM search_documents");
    checked_.sections = number("SELECT count(*) FROM search_chunks");
    checked_.vectors = number("SELECT count(*) FROM search_vectors");
    checked_.waiting = number("SELECT count(DISTINCT document_id) FROM document_index_queue");
    return ok();
  });
}
}  // namespace

Result<IndexChecked> checkIndex(store::Store& store, const IndexCheckOptions& options) {
  return IndexCheck(store, options).run();
}

}  // namespace tutti::search
