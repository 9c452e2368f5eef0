// The full-text index: rows of documents, parts and chunks, as functions in a caller's transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "server/search/chunks.hpp"
#include "server/search/query.hpp"
#include "server/store/connection.hpp"

namespace tutti::search {

/// What of a document is found by other words than its text's.
struct DocumentLabels {
  std::string document_id;
  std::int64_t version = 0;
  std::string filename;
  std::string partition;
  std::vector<std::string> tags;
};

/// Why a document is not found by its text; empty for one that is.
struct Problem {
  std::string name;  ///< "not_text", "pdftotext_missing", …
  std::string text;
};

struct IndexedText {
  std::vector<Part> parts;
  std::string hash;  ///< of what the parts were made from
  Problem problem;
};

/// Puts the document in place of what was indexed of it. When only the labels changed, its chunks
/// and their vectors stay.
void putDocument(store::Tx& tx, const DocumentLabels& labels, const IndexedText& text,
                 const std::string& now);
/// Nothing happens when it was not indexed.
void removeDocument(store::Tx& tx, const std::string& document_id);
/// The problem of an indexed document; empty when there is none or it is not indexed.
Problem problemOf(store::Connection& db, const std::string& document_id);

/// Which documents may be answers. Partition and tags are looked up in the index itself; `accept`,
/// if given, is asked for each document that would be an answer, best first.
struct Filter {
  std::vector<std::string> partitions;  ///< any of them; none: all
  std::vector<std::string> tags;        ///< all of them
  std::function<bool(store::Connection& db, const std::string& document_id)> accept;
};

struct TextLimits {
  /// Rows that are ranked: those whose name, headings or tags match, and the newest of the others.
  /// A query that matches more than that has no best row anyway.
  std::int64_t candidates_max = 2000;
  std::int64_t titles_max = 500;
  std::int64_t spans_max = 200;  ///< matches looked at in a document found
};

struct TextHit {
  std::string document_id;
  std::string filename;
  std::string partition;
  std::int64_t part_id = 0;
  double score = 0;  ///< higher is better
};

struct TextHits {
  std::vector<TextHit> hits;  ///< best first, a document once
  std::string expression;     ///< what they matched, for findSections()
  int phrases = 0;
};

/// The documents that have all of the query; when there are none and the query is plain words,
/// those that have any of it.
TextHits searchText(store::Connection& db, const Query& query, const Filter& filter,
                    std::size_t hits_max, const TextLimits& limits = {});

/// How matched words stand out in excerpts.
struct Marks {
  std::string begin = "**";
  std::string end = "**";
};

struct Section {
  double score = 0;
  std::int64_t offset = 0;  ///< characters of the document (of a PDF: of its text)
  std::int64_t limit = 0;
  std::string text;  ///< an excerpt of it, matches marked
};

/// The best sections of a document that searchText() found, best first; its first section when
/// only its name, headings or tags match.
std::vector<Section> findSections(store::Connection& db, const TextHits& hits, const TextHit& hit,
                                  std::size_t sections_max, const Marks& marks,
                                  const TextLimits& limits = {});

/// The bytes [at, at + size) of `text` as an excerpt of at most `bytes_max`: from about `from` on,
/// cut between words, on one line.
struct ExcerptRange {
  std::size_t at;
  std::size_t size;
  std::size_t from;
};
using Spans = std::vector<std::pair<std::size_t, std::size_t>>;  ///< begin and end
std::string makeExcerpt(const std::string& text, const ExcerptRange& range, const Spans& marked,
                        const Marks& marks, std::size_t bytes_max = 400);

}  // namespace tutti::search
