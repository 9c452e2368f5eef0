// Two functions for FTS5 tables that SQLite does not bring: a ranking whose cost is bounded, and
// where in a text a row matches.
#pragma once

#include "server/store/connection.hpp"

namespace tutti::store {

/// Makes these SQL functions known to `connection`; a second call costs nothing. Call it first in
/// work that uses them. Throws DatabaseError.
///
/// ranked(table, phrases, weight, weight, …): BM25 as FTS5's bm25() has it, better matches lower,
/// over the first `phrases` phrases of the query only (a filter added to the query behind them does
/// not rank), each column's matches times its weight. How many rows have a word is counted up to a
/// bound and estimated above: bm25() counts every row of every word before it ranks the first,
/// which for common words is most of a query's time.
///
/// match_spans(table, column, phrases, spans_max): where the first `phrases` phrases stand in that
/// column of the row: "phrase begin end" in bytes, separated by ";", in the order of the text.
void useFullText(Connection& connection);

}  // namespace tutti::store
