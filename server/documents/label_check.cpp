#include "server/documents/label_check.hpp"

#include <set>
#include <string_view>

#include "server/base/text.hpp"
#include "server/documents/rows.hpp"

namespace tutti::documents {
using store::execute;
using store::Statement;

namespace {
constexpr std::int64_t kRowsAtOnce = 500;

const std::string& documentsAfter() {
  static const std::string sql = "SELECT " + std::string(kDocumentColumns) +
                                 " FROM documents AS d WHERE d.document_seq > ?"
                                 " ORDER BY d.document_seq LIMIT ?";
  return sql;
}

constexpr int kLabelColumn = 14;  // behind those of the document, which may be none
const std::string& labelsAfter() {
  static const std::string sql =
      "SELECT " + std::string(kDocumentColumns) +
      ", l.label, l.document_seq FROM document_labels AS l"
      " LEFT JOIN documents AS d ON d.document_seq = l.document_seq"
      " WHERE (l.label, l.document_seq) > (?, ?) ORDER BY l.label, l.document_seq LIMIT ?";
  return sql;
}

bool isThere(store::Connection& db, const std::string& label, std::int64_t document_seq) {
  Statement row(db, "SELECT 1 FROM document_labels WHERE label = ? AND document_seq = ?", label,
                document_seq);
  return row.step();
}

bool says(const Document& document, const std::string& label) {
  return labelsOf(document).contains(label);
}

/// Some rows of one table, and where the next ones begin.
struct Page {
  std::vector<WrongLabel> wrong = {};
  std::string after_label = {};
  std::int64_t after_seq = 0;
  std::int64_t rows = 0;
};

void lookForMissing(store::Connection& db, Page& page) {
  Statement rows(db, documentsAfter(), page.after_seq, kRowsAtOnce);
  for (; rows.step(); ++page.rows) {
    const DocumentRow row = rowFrom(rows);
    page.after_seq = row.document_seq;
    for (const std::string& label : labelsOf(row.document))
      if (!isThere(db, label, row.document_seq))
        page.wrong.push_back({row.document_seq, row.document.id, label, true});
  }
}

void lookForStrays(store::Connection& db, Page& page) {
  Statement rows(db, labelsAfter(), page.after_label, page.after_seq, kRowsAtOnce);
  for (; rows.step(); ++page.rows) {
    page.after_label = rows.text(kLabelColumn);
    page.after_seq = rows.integer(kLabelColumn + 1);
    const Document document = rows.isNull(0) ? Document() : rowFrom(rows).document;
    if (!says(document, page.after_label))
      page.wrong.push_back({page.after_seq, document.id, page.after_label, false});
  }
}

using Look = void (*)(store::Connection&, Page&);

Status forEachPage(store::Store& store, Look look,
                   const std::function<Status(const std::vector<WrongLabel>&)>& each) {
  for (Page from;;) {
    Page page;
    const Status read = store.readAndWait([&](store::Connection& db) {
      page = from;
      look(db, page);
      return ok();
    });
    if (!read.ok()) return read;
    if (page.rows == 0) return ok();
    if (!page.wrong.empty())
      if (Status done = each(page.wrong); !done.ok()) return done;
    from.after_label = page.after_label;
    from.after_seq = page.after_seq;
  }
}
}  // namespace

std::string WrongLabel::text() const {
  const char kind = label.empty() ? ' ' : label.front();
  const std::string shown =
      kind == 'h' ? "metadata of a long value"
                  : (kind == 't' ? "tag '" : "metadata '") + shortened(label.substr(1), 80) + "'";
  if (document_id.empty()) return "a document that is gone is found by " + shown;
  if (missing) return document_id + " is not found by its " + shown;
  return document_id + " is found by " + shown + ", which it does not have";
}

Status findWrongLabels(store::Store& store,
                       const std::function<Status(const std::vector<WrongLabel>&)>& each) {
  if (Status done = forEachPage(store, lookForMissing, each); !done.ok()) return done;
  return forEachPage(store, lookForStrays, each);
}

Status mendLabels(store::Store& store, const std::vector<WrongLabel>& wrong) {
  static const std::string find =
      "SELECT " + std::string(kDocumentColumns) + " FROM documents AS d WHERE d.document_seq = ?";
  return store.writeAndWait([&](store::Tx& tx) {
    for (const WrongLabel& one : wrong) {
      Statement row(tx, find, one.document_seq);
      if (row.step() && says(rowFrom(row).document, one.label))
        execute(tx,
                "INSERT INTO document_labels(label, document_seq) VALUES (?, ?)"
                " ON CONFLICT DO NOTHING",
                one.label, one.document_seq);
      else
        execute(tx, "DELETE FROM document_labels WHERE label = ? AND document_seq = ?", one.label,
                one.document_seq);
    }
    return ok();
  });
}

}  // namespace tutti::documents
