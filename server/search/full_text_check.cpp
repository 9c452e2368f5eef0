#include "server/search/full_text_check.hpp"

#include <string>

#include "server/store/statement.hpp"

namespace tutti::search {
using store::execute;
using store::Tx;

namespace {
constexpr std::string_view kParts[] = {"data", "idx", "docsize", "config"};
constexpr std::string_view kPartsWithoutSizes[] = {"data", "idx", "config"};
constexpr FullTextTable kTables[] = {
    {"search_text",
     "filename, headings, tags, text, scope, prefix = '2 3',"
     " tokenize = \"porter unicode61 remove_diacritics 2\"",
     "SELECT id, c0 AS filename, c1 AS headings, c2 AS tags, c3 AS text, c4 AS scope"
     " FROM main.search_text_content",
     kParts},
    {"search_titles",
     "filename, headings, tags, scope, tokenize = \"porter unicode61 remove_diacritics 2\"",
     "SELECT id, c0 AS filename, c1 AS headings, c2 AS tags, c3 AS scope"
     " FROM main.search_titles_content",
     kParts},
    // The newest names are not in it yet.
    {"document_names", "filename, tokenize = 'trigram', columnsize = 0",
     "SELECT document_seq AS id, filename FROM main.documents"
     " WHERE document_seq <= (SELECT indexed_seq FROM main.document_names_state)",
     kPartsWithoutSizes},
};
}  // namespace

std::span<const FullTextTable> fullTextTables() {
  return kTables;
}

Status checkFullText(store::Store& store, const FullTextTable& table) {
  return store.readAsideAndWait([&](store::Connection& db) {
    db.execute("CREATE TEMP VIEW texts AS " + std::string(table.texts));
    db.execute("CREATE VIRTUAL TABLE temp.copy USING fts5(" + std::string(table.arguments) +
               ", content = 'texts', content_rowid = 'id')");
    for (const std::string_view name : table.parts) {
      const std::string part(name);
      db.execute("DELETE FROM temp.copy_" + part);
      db.execute("INSERT INTO temp.copy_" + part + " SELECT * FROM main." + table.name + "_" +
                 part);
    }
    // The rank has it compared with the texts, not only with itself.
    db.execute("INSERT INTO temp.copy(copy, rank) VALUES ('integrity-check', 1)");
    return ok();
  });
}

Status rebuildFullText(store::Store& store, const FullTextTable& table) {
  const std::string name = table.name;
  return store.writeAndWait([&](Tx& tx) {
    // Of names a rebuild takes all, also those that were not to be in it yet.
    if (name == "document_names")
      execute(tx,
              "UPDATE document_names_state SET indexed_seq ="
              " (SELECT coalesce(max(document_seq), 0) FROM documents)");
    execute(tx, "INSERT INTO " + name + "(" + name + ") VALUES ('rebuild')");
    return ok();
  });
}

}  // namespace tutti::search
