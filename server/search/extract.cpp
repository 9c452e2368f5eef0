#include "server/search/extract.hpp"

#include <algorithm>
#include <array>

#include "server/base/text.hpp"
#include "server/search/extract_parts.hpp"

namespace tutti::search {
namespace {
bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

struct KnownName {
  std::string_view name;
  Kind kind;
};

constexpr auto kTypes = std::to_array<KnownName>({
    {"text/markdown", Kind::Markdown},
    {"text/x-markdown", Kind::Markdown},
    {"text/html", Kind::Html},
    {"application/xhtml+xml", Kind::Html},
    {"application/json", Kind::Json},
    {"application/jsonl", Kind::Json},
    {"application/x-ndjson", Kind::Json},
    {"text/csv", Kind::Rows},
    {"text/tab-separated-values", Kind::Rows},
    {"application/pdf", Kind::Pdf},
    {"text/javascript", Kind::Source},
    {"application/javascript", Kind::Source},
    {"application/sql", Kind::Source},
    {"application/x-sh", Kind::Source},
});

constexpr auto kExtensions = std::to_array<KnownName>({
    {"md", Kind::Markdown},  {"markdown", Kind::Markdown}, {"mdx", Kind::Markdown},
    {"html", Kind::Html},    {"htm", Kind::Html},          {"xhtml", Kind::Html},
    {"json", Kind::Json},    {"jsonl", Kind::Json},        {"ndjson", Kind::Json},
    {"csv", Kind::Rows},     {"tsv", Kind::Rows},          {"log", Kind::Rows},
    {"pdf", Kind::Pdf},      {"c", Kind::Source},          {"cc", Kind::Source},
    {"cpp", Kind::Source},   {"cxx", Kind::Source},        {"h", Kind::Source},
    {"hpp", Kind::Source},   {"cs", Kind::Source},         {"css", Kind::Source},
    {"go", Kind::Source},    {"java", Kind::Source},       {"js", Kind::Source},
    {"mjs", Kind::Source},   {"jsx", Kind::Source},        {"kt", Kind::Source},
    {"lua", Kind::Source},   {"php", Kind::Source},        {"pl", Kind::Source},
    {"py", Kind::Source},    {"rb", Kind::Source},         {"rs", Kind::Source},
    {"scala", Kind::Source}, {"sh", Kind::Source},         {"sql", Kind::Source},
    {"swift", Kind::Source}, {"ts", Kind::Source},         {"tsx", Kind::Source},
    {"cmake", Kind::Source}, {"proto", Kind::Source},
});

template <class Table>
Kind find(const Table& table, std::string_view name, Kind otherwise) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const auto& known) { return known.name == name; });
  return found == table.end() ? otherwise : found->kind;
}

Error tooLarge(std::size_t size, std::size_t size_max) {
  return Error(Code::ResourceExhausted,
               "the content has " + std::to_string(size) + " bytes, more than the " +
                   std::to_string(size_max) + " that are searched",
               "split the document to have its text found")
      .named("content_too_large");
}

Extracted asItStands(Kind kind, std::string_view source) {
  Extracted extracted;
  extracted.kind = kind;
  extracted.content.append(source, 0, characterCount(source));
  return extracted;
}

Result<Extracted> extractText(Kind kind, std::string_view content, const ExtractLimits& limits) {
  if (content.find('\0') != std::string_view::npos || !isValidUtf8(content))
    return Error(Code::InvalidArgument, "the content is not UTF-8 text",
                 "only its name and tags are searched")
        .named("not_text");
  if (kind == Kind::Html) return extractHtml(content, limits.headings_max);
  if (kind == Kind::Json) return extractJson(content);
  Extracted extracted = asItStands(kind, content);
  if (kind == Kind::Markdown) extracted.headings = markdownHeadings(content, limits.headings_max);
  return extracted;
}
}  // namespace

std::size_t characterCount(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

std::size_t characterBegin(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  while (at < text.size() && continues(text[at])) ++at;
  return at;
}

Kind kindOf(std::string_view content_type, std::string_view filename) {
  std::string type = lowered(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  const Kind by_type = find(kTypes, type, Kind::Plain);
  if (by_type != Kind::Plain) return by_type;
  if (type.ends_with("+json")) return Kind::Json;
  if (type.starts_with("text/x-")) return Kind::Source;
  const std::size_t dot = filename.rfind('.');
  if (dot == std::string_view::npos) return Kind::Plain;
  return find(kExtensions, lowered(filename.substr(dot + 1)), Kind::Plain);
}

std::size_t sourceBytesMax(Kind kind, const ExtractLimits& limits) {
  return kind == Kind::Pdf ? limits.pdf_bytes_max : limits.source_bytes_max;
}

Result<Extracted> extract(Kind kind, std::string_view content, const ExtractLimits& limits) {
  const std::size_t size_max = sourceBytesMax(kind, limits);
  if (content.size() > size_max) return tooLarge(content.size(), size_max);
  if (kind != Kind::Pdf) return extractText(kind, content, limits);
  Result<std::string> text = pdfText(content, limits);
  if (!text.ok()) return text.error();
  return asItStands(Kind::Pdf, *text);
}

void MappedText::append(std::string_view piece, std::size_t source_at, std::size_t source_chars) {
  if (piece.empty()) return;
  const bool one_for_one = characterCount(piece) == source_chars;
  if (one_for_one && !runs_.empty() && runs_.back().one_for_one &&
      runs_.back().source_at + runs_.back().source_chars == source_at) {
    runs_.back().source_chars += source_chars;
  } else {
    runs_.push_back({text_.size(), source_at, source_chars, one_for_one});
  }
  text_ += piece;
}

std::size_t MappedText::Cursor::sourceOffset(std::size_t text_at) {
  const std::vector<Run>& runs = mapped_.runs_;
  if (runs.empty()) return 0;
  text_at = std::min(text_at, mapped_.text_.size());
  if (text_at < at_) run_ = at_ = chars_ = 0;
  while (run_ + 1 < runs.size() && runs[run_ + 1].text_at <= text_at) {
    ++run_;
    at_ = runs[run_].text_at;
    chars_ = 0;
  }
  const Run& run = runs[run_];
  if (!run.one_for_one) {
    const bool at_end = run_ + 1 == runs.size() && text_at == mapped_.text_.size();
    return run.source_at + (at_end ? run.source_chars : 0);
  }
  chars_ += characterCount(std::string_view(mapped_.text_).substr(at_, text_at - at_));
  at_ = text_at;
  return run.source_at + chars_;
}

}  // namespace tutti::search
