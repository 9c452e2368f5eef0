#include "server/search/chunks.hpp"

#include <algorithm>

namespace tutti::search {
namespace {
struct Piece {
  std::size_t begin;
  std::size_t end;
};

/// How good a place is to cut at; more is better.
enum class Cut { None, Word, Line, Paragraph, Heading };

class Cutter {
 public:
  Cutter(const Extracted& extracted, const ChunkLimits& limits)
      : text_(extracted.content.text()), extracted_(extracted), limits_(limits) {}

  std::vector<Piece> cut() {
    std::vector<Piece> pieces;
    std::size_t begin = 0;
    while (begin < text_.size()) {
      const Place place = endOf(begin);
      pieces.push_back({begin, place.at});
      if (place.at >= text_.size()) break;
      begin = nextBegin(begin, place);
    }
    return pieces;
  }

 private:
  struct Place {
    std::size_t at;
    Cut cut;
  };

  Place endOf(std::size_t begin) {
    const std::size_t latest = std::min(begin + limits_.chunk_bytes_max, text_.size());
    const std::size_t earliest = std::min(begin + limits_.chunk_bytes_min, latest);
    if (const std::size_t heading = headingIn(earliest, latest); heading != 0)
      return {heading, Cut::Heading};
    if (latest == text_.size()) return {latest, Cut::None};
    Place best{characterBegin(text_, latest), Cut::None};
    for (std::size_t at = latest; at > earliest; --at) {
      const Cut cut = cutAt(at);
      if (cut > best.cut) best = {at, cut};
      if (best.cut == Cut::Paragraph) break;
      // A line or a word in the first half makes a short section for little.
      if (at < begin + limits_.chunk_bytes_max / 2 && best.cut != Cut::None) break;
    }
    return best;
  }

  /// The first heading in (from, to], or 0.
  std::size_t headingIn(std::size_t from, std::size_t to) {
    const auto& headings = extracted_.headings;
    while (next_heading_ < headings.size() && headings[next_heading_].text_at < from)
      ++next_heading_;
    if (next_heading_ == headings.size() || headings[next_heading_].text_at > to) return 0;
    return headings[next_heading_].text_at;
  }

  Cut cutAt(std::size_t at) const {
    const char before = text_[at - 1];
    if (before == '\f') return Cut::Paragraph;
    if (before == '\n') {
      if (extracted_.kind == Kind::Rows) return Cut::Paragraph;
      const bool blank = at >= 2 && text_[at - 2] == '\n';
      // In source code a blank line followed by indented text is inside a function.
      const bool indented = extracted_.kind == Kind::Source && at < text_.size() &&
                            (text_[at] == ' ' || text_[at] == '\t');
      return blank && !indented ? Cut::Paragraph : Cut::Line;
    }
    return before == ' ' || before == '\t' ? Cut::Word : Cut::None;
  }

  std::size_t nextBegin(std::size_t begin, Place end) const {
    if (end.cut >= Cut::Paragraph || limits_.overlap_bytes == 0) return end.at;
    const std::size_t from =
        end.at > begin + limits_.overlap_bytes ? end.at - limits_.overlap_bytes : begin + 1;
    for (std::size_t at = from; at < end.at; ++at)
      if (cutAt(at) != Cut::None) return at;
    return end.at;
  }

  const std::string& text_;
  const Extracted& extracted_;
  const ChunkLimits& limits_;
  std::size_t next_heading_ = 0;
};

bool hasWords(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
}

/// How many pieces from `first` on are one part.
std::size_t partEnd(const std::vector<Piece>& pieces, std::size_t first, std::size_t bytes_max) {
  std::size_t end = first + 1;
  while (end < pieces.size() && pieces[end].end - pieces[first].begin <= bytes_max) ++end;
  return end;
}

std::string headingsIn(const Extracted& extracted, std::size_t begin, std::size_t end) {
  std::string titles;
  for (const Heading& heading : extracted.headings)
    if (heading.text_at >= begin && heading.text_at < end) titles += heading.title + "\n";
  return titles;
}
}  // namespace

std::vector<Part> makeParts(const Extracted& extracted, const ChunkLimits& limits) {
  const std::string& text = extracted.content.text();
  if (!hasWords(text)) return {};
  const std::vector<Piece> pieces = Cutter(extracted, limits).cut();
  // Begins and ends each rise, but lie among each other where pieces overlap.
  MappedText::Cursor begins(extracted.content);
  MappedText::Cursor ends(extracted.content);
  std::vector<Part> parts;
  for (std::size_t first = 0; first < pieces.size();) {
    const std::size_t last = partEnd(pieces, first, limits.part_bytes_max);
    const std::size_t part_at = pieces[first].begin;
    Part part;
    part.text = text.substr(part_at, pieces[last - 1].end - part_at);
    part.headings = headingsIn(extracted, part_at, pieces[last - 1].end);
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t offset = begins.sourceOffset(pieces[i].begin);
      const std::size_t end = ends.sourceOffset(pieces[i].end);
      part.chunks.push_back({pieces[i].begin - part_at, pieces[i].end - pieces[i].begin, offset,
                             std::max(end, offset) - offset});
    }
    parts.push_back(std::move(part));
    first = last;
  }
  return parts;
}

}  // namespace tutti::search
