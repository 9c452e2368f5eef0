#include "server/search/text_index.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "server/base/digest.hpp"
#include "server/store/full_text.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::execute;
using store::Statement;
using store::Tx;

/// A word for a partition or tag. Ends with a digit, so that the stemmer leaves it alone.
std::string scopeWord(char kind, const std::string& name) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string hash = sha256(name);
  std::string word(1, kind);
  for (std::size_t i = 0; i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(hash[i]);
    word += kDigits[byte >> 4U];
    word += kDigits[byte & 15U];
  }
  return word + "0";
}

std::string scopeOf(const DocumentLabels& labels) {
  std::string words = scopeWord('p', labels.partition);
  for (const std::string& tag : labels.tags) words += " " + scopeWord('t', tag);
  return words;
}

std::string joinedTags(const std::vector<std::string>& tags) {
  std::string text;
  for (const std::string& tag : tags) text += tag + "\n";
  return text;
}

/// Tells the replicas that hold the document's vectors in memory to look at them again.
void touchVectors(Tx& tx, const std::string& document_id) {
  execute(tx,
          "INSERT INTO search_vector_changes(chunk_id) SELECT v.chunk_id FROM search_parts p"
          " JOIN search_chunks c ON c.part_id = p.part_id"
          " JOIN search_vectors v ON v.chunk_id = c.chunk_id WHERE p.document_id = ?",
          document_id);
}

void removeParts(Tx& tx, const std::string& document_id) {
  touchVectors(tx, document_id);
  std::vector<std::int64_t> parts;
  {
    Statement all(tx, "SELECT part_id FROM search_parts WHERE document_id = ?", document_id);
    while (all.step()) parts.push_back(all.integer(0));
  }
  for (const std::int64_t part : parts) {
    execute(tx, "DELETE FROM search_text WHERE rowid = ?", part);
    execute(tx, "DELETE FROM search_titles WHERE rowid = ?", part);
  }
  execute(tx, "DELETE FROM search_parts WHERE document_id = ?", document_id);
}

void insertPart(Tx& tx, const DocumentLabels& labels, const Part& part) {
  execute(tx, "INSERT INTO search_parts(document_id) VALUES (?)", labels.document_id);
  const std::int64_t part_id = tx.lastInsertId();
  execute(tx,
          "INSERT INTO search_text(rowid, filename, headings, tags, text, scope)"
          " VALUES (?, ?, ?, ?, ?, ?)",
          part_id, labels.filename, part.headings, joinedTags(labels.tags), part.text,
          scopeOf(labels));
  execute(tx,
          "INSERT INTO search_titles(rowid, filename, headings, tags, scope)"
          " VALUES (?, ?, ?, ?, ?)",
          part_id, labels.filename, part.headings, joinedTags(labels.tags), scopeOf(labels));
  for (const Chunk& chunk : part.chunks)
    execute(tx,
            "INSERT INTO search_chunks(part_id, text_at, text_bytes, source_offset, source_limit)"
            " VALUES (?, ?, ?, ?, ?)",
            part_id, static_cast<std::int64_t>(chunk.text_at),
            static_cast<std::int64_t>(chunk.text_bytes),
            static_cast<std::int64_t>(chunk.source_offset),
            static_cast<std::int64_t>(chunk.source_limit));
}

void relabelParts(Tx& tx, const DocumentLabels& labels) {
  touchVectors(tx, labels.document_id);  // the partition may be another
  std::vector<std::int64_t> parts;
  {
    Statement all(tx, "SELECT part_id FROM search_parts WHERE document_id = ?", labels.document_id);
    while (all.step()) parts.push_back(all.integer(0));
  }
  for (const std::int64_t part : parts)
    for (const char* update :
         {"UPDATE search_text SET filename = ?, tags = ?, scope = ? WHERE rowid = ?",
          "UPDATE search_titles SET filename = ?, tags = ?, scope = ? WHERE rowid = ?"})
      execute(tx, update, labels.filename, joinedTags(labels.tags), scopeOf(labels), part);
}

bool sameText(Connection& db, const std::string& document_id, const std::string& hash) {
  Statement known(db, "SELECT text_hash FROM search_documents WHERE document_id = ?", document_id);
  return known.step() && known.text(0) == hash;
}

/// The query's words anywhere but in the scope, and what the filter demands of that.
std::string filtered(const std::string& expression, const Filter& filter) {
  std::string all = "- {scope} : (" + expression + ")";
  std::string partitions;
  for (const std::string& name : filter.partitions)
    partitions += (partitions.empty() ? "" : " OR ") + scopeWord('p', name);
  if (!partitions.empty()) all = "(" + all + ") AND {scope} : (" + partitions + ")";
  for (const std::string& tag : filter.tags)
    all = "(" + all + ") AND {scope} : (" + scopeWord('t', tag) + ")";
  return all;
}

struct Candidate {
  std::int64_t part_id;
  double score;
};

/// Names, headings and tags weigh more than text: who gave a document that name meant it.
constexpr std::string_view kNewestTexts =
    "SELECT rowid, ranked(search_text, ?, 6.0, 3.0, 4.0, 1.0, 0.0) FROM search_text"
    " WHERE search_text MATCH ? ORDER BY rowid DESC LIMIT ?";
constexpr std::string_view kNewestTitles =
    "SELECT rowid, ranked(search_titles, ?, 6.0, 3.0, 4.0, 0.0) FROM search_titles"
    " WHERE search_titles MATCH ? ORDER BY rowid DESC LIMIT ?";

/// The newest rows that match, at most `count_max`, with their scores.
std::vector<Candidate> candidatesOf(Connection& db, std::string_view sql, const std::string& match,
                                    int phrases, std::int64_t count_max) {
  std::vector<Candidate> found;
  Statement rows(db, sql, phrases, match, count_max);
  while (rows.step()) found.push_back({rows.integer(0), -rows.real(1)});
  return found;
}

std::vector<Candidate> rankedCandidates(Connection& db, const std::string& expression, int phrases,
                                        const Filter& filter, const TextLimits& limits) {
  const std::string match = filtered(expression, filter);
  std::vector<Candidate> all =
      candidatesOf(db, kNewestTexts, match, phrases, limits.candidates_max);
  if (static_cast<std::int64_t>(all.size()) >= limits.candidates_max) {
    const std::vector<Candidate> titled =
        candidatesOf(db, kNewestTitles, match, phrases, limits.titles_max);
    all.insert(all.end(), titled.begin(), titled.end());
  }
  std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.part_id > b.part_id;
  });
  return all;
}

std::vector<TextHit> hitsOf(Connection& db, const std::vector<Candidate>& candidates,
                            const Filter& filter, std::size_t hits_max) {
  std::vector<TextHit> hits;
  std::unordered_set<std::string> seen;
  for (const Candidate& candidate : candidates) {
    if (hits.size() >= hits_max) break;
    Statement part(db,
                   "SELECT d.document_id, d.filename, d.partition FROM search_parts p"
                   " JOIN search_documents d ON d.document_id = p.document_id WHERE p.part_id = ?",
                   candidate.part_id);
    if (!part.step() || !seen.insert(part.text(0)).second) continue;
    TextHit hit{part.text(0), part.text(1), part.text(2), candidate.part_id, candidate.score};
    if (filter.accept && !filter.accept(db, hit.document_id)) continue;
    hits.push_back(std::move(hit));
  }
  return hits;
}
}  // namespace

void putDocument(Tx& tx, const DocumentLabels& labels, const IndexedText& text,
                 const std::string& now) {
  const bool only_labels = sameText(tx, labels.document_id, text.hash);
  if (!only_labels) removeParts(tx, labels.document_id);
  execute(tx,
          "INSERT INTO search_documents(document_id, version, filename, partition, text_hash,"
          " problem, problem_text, indexed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
          " ON CONFLICT(document_id) DO UPDATE SET version = excluded.version,"
          " filename = excluded.filename, partition = excluded.partition,"
          " text_hash = excluded.text_hash, problem = excluded.problem,"
          " problem_text = excluded.problem_text, indexed_at = excluded.indexed_at",
          labels.document_id, labels.version, labels.filename, labels.partition, text.hash,
          text.problem.name, text.problem.text, now);
  if (only_labels) return relabelParts(tx, labels);
  for (const Part& part : text.parts) insertPart(tx, labels, part);
  // Without text the document is still found by its name and tags.
  if (text.parts.empty()) insertPart(tx, labels, {});
}

void removeDocument(Tx& tx, const std::string& document_id) {
  removeParts(tx, document_id);
  execute(tx, "DELETE FROM search_documents WHERE document_id = ?", document_id);
}

Problem problemOf(Connection& db, const std::string& document_id) {
  Statement row(db, "SELECT problem, problem_text FROM search_documents WHERE document_id = ?",
                document_id);
  if (!row.step()) return {};
  return {row.text(0), row.text(1)};
}

TextHits searchText(Connection& db, const Query& query, const Filter& filter, std::size_t hits_max,
                    const TextLimits& limits) {
  store::useFullText(db);
  TextHits found;
  found.phrases = query.phrases;
  for (const std::string* expression : {&query.expression, &query.any}) {
    if (expression->empty()) break;
    found.expression = *expression;
    found.hits = hitsOf(db, rankedCandidates(db, *expression, query.phrases, filter, limits),
                        filter, hits_max);
    if (!found.hits.empty()) break;
  }
  return found;
}

}  // namespace tutti::search
