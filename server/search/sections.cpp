// Where in a document found the query's words stand, as sections with excerpts.
#include <algorithm>
#include <charconv>
#include <set>

#include "server/search/text_index.hpp"
#include "server/store/full_text.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::Statement;

struct Span {
  int phrase = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Reads what match_spans() writes.
std::vector<Span> parseSpans(const std::string& text) {
  std::vector<Span> spans;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    Span span;
    at = std::from_chars(at, end, span.phrase).ptr + 1;
    at = std::from_chars(at, end, span.begin).ptr + 1;
    at = std::from_chars(at, end, span.end).ptr + 1;
    spans.push_back(span);
  }
  return spans;
}

struct Scored {
  Chunk chunk;
  std::set<int> phrases;
  Spans spans;
  double score() const {
    // Different words say more than one word often.
    return static_cast<double>(phrases.size()) +
           static_cast<double>(std::min<std::size_t>(spans.size(), 20)) * 0.01;
  }
};

std::vector<Scored> chunksOf(Connection& db, std::int64_t part_id) {
  std::vector<Scored> chunks;
  Statement rows(db,
                 "SELECT text_at, text_bytes, source_offset, source_limit FROM search_chunks"
                 " WHERE part_id = ? ORDER BY text_at",
                 part_id);
  const auto size = [&rows](int column) { return static_cast<std::size_t>(rows.integer(column)); };
  while (rows.step()) chunks.push_back({{size(0), size(1), size(2), size(3)}, {}, {}});
  return chunks;
}

void addSpan(std::vector<Scored>& chunks, const Span& span) {
  // The last chunk that begins at or before the span; where chunks overlap it has more context
  // behind it.
  auto found = std::upper_bound(
      chunks.begin(), chunks.end(), span.begin,
      [](std::size_t at, const Scored& scored) { return at < scored.chunk.text_at; });
  if (found == chunks.begin()) return;
  --found;
  found->phrases.insert(span.phrase);
  found->spans.emplace_back(span.begin, span.end);
}

bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

Section toSection(const Scored& scored, const std::string& text, const Marks& marks) {
  const std::size_t from = scored.spans.empty() ? scored.chunk.text_at : scored.spans.front().first;
  Section section;
  section.score = scored.score();
  section.offset = static_cast<std::int64_t>(scored.chunk.source_offset);
  section.limit = static_cast<std::int64_t>(scored.chunk.source_limit);
  section.text =
      makeExcerpt(text, {scored.chunk.text_at, scored.chunk.text_bytes, from}, scored.spans, marks);
  return section;
}
}  // namespace

std::vector<Section> findSections(Connection& db, const TextHits& hits, const TextHit& hit,
                                  std::size_t sections_max, const Marks& marks,
                                  const TextLimits& limits) {
  store::useFullText(db);
  std::vector<Scored> chunks = chunksOf(db, hit.part_id);
  if (chunks.empty()) return {};
  Statement row(db,
                "SELECT text, match_spans(search_text, 3, ?, ?) FROM search_text"
                " WHERE search_text MATCH ? AND rowid = ?",
                hits.phrases, limits.spans_max, "- {scope} : (" + hits.expression + ")",
                hit.part_id);
  if (!row.step()) return {};
  const std::string text = row.text(0);
  for (const Span& span : parseSpans(row.text(1))) addSpan(chunks, span);
  std::stable_sort(chunks.begin(), chunks.end(),
                   [](const Scored& a, const Scored& b) { return a.score() > b.score(); });
  std::vector<Section> sections;
  for (const Scored& scored : chunks) {
    if (sections.size() >= sections_max) break;
    if (scored.spans.empty() && !sections.empty()) break;
    sections.push_back(toSection(scored, text, marks));
  }
  return sections;
}

std::string makeExcerpt(const std::string& text, const ExcerptRange& range, const Spans& marked,
                        const Marks& marks, std::size_t bytes_max) {
  constexpr std::size_t kBefore = 80;
  const std::size_t stop = std::min(range.at + range.size, text.size());
  std::size_t begin = range.at;
  if (range.from > begin + kBefore) {
    begin = range.from - kBefore;
    while (begin < range.from && !isSpace(text[begin])) ++begin;
    if (begin == range.from) begin = characterBegin(text, range.from);
  }
  std::size_t end = std::min(begin + bytes_max, stop);
  if (end < stop) {
    const std::size_t cut = end;
    while (end > begin + bytes_max / 2 && !isSpace(text[end])) --end;
    if (!isSpace(text[end])) end = characterBegin(text, cut);
  }
  std::string excerpt;
  std::size_t next = 0;
  std::size_t open_until = 0;
  for (std::size_t at = begin; at < end; ++at) {
    while (next < marked.size() && marked[next].first < at) ++next;
    if (open_until == 0 && next < marked.size() && marked[next].first == at &&
        marked[next].second <= end) {
      excerpt += marks.begin;
      open_until = marked[next].second;
    }
    if (!isSpace(text[at]))
      excerpt += text[at];
    else if (!excerpt.empty() && excerpt.back() != ' ')
      excerpt += ' ';
    if (open_until == at + 1) {
      excerpt += marks.end;
      open_until = 0;
    }
  }
  while (!excerpt.empty() && excerpt.back() == ' ') excerpt.pop_back();
  return excerpt;
}

}  // namespace tutti::search
