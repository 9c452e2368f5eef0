// Are the FTS5 tables those of their texts?
#pragma once

#include <span>
#include <string_view>

#include "server/base/result.hpp"
#include "server/store/store.hpp"

namespace tutti::search {

/// A table of FTS5 as its migration made it.
struct FullTextTable {
  const char* name;
  std::string_view arguments;  ///< of fts5(): columns and tokenizer
  std::string_view texts;      ///< the rows it should be the index of: `id` and the columns
  /// The tables that FTS5 keeps it in, by the ends of their names.
  std::span<const std::string_view> parts;
};

/// Those of the search, and the one of the documents' names.
std::span<const FullTextTable> fullTextTables();

/// Lets FTS5 compare the index with its texts, in a temporary copy of the index: its own check is
/// an INSERT, which in the store would lock every writer out for its time. Takes room for the copy
/// where SQLite keeps temporary files. Errors: "database_corrupt" when the index is another;
/// "disk_full" for want of that room.
Status checkFullText(store::Store& store, const FullTextTable& table);

/// Makes the index anew. Writers wait for as long as that takes: FTS5 knows no smaller steps.
Status rebuildFullText(store::Store& store, const FullTextTable& table);

}  // namespace tutti::search
