// Inner to server/search: one reader for each kind of document. All but the PDF's take well-formed
// UTF-8.
#pragma once

#include "server/search/extract.hpp"

namespace tutti::search {

/// Visible text: no scripts, styles, comments or tags; entities as what they stand for; blocks on
/// lines of their own. Takes what browsers take: nothing is an error.
Extracted extractHtml(std::string_view source, std::size_t headings_max);
/// As it stands, with escapes in strings as what they stand for, so that "\nword" holds `word`.
Extracted extractJson(std::string_view source);
/// Headings of the # and the underlined form, none within code fences.
std::vector<Heading> markdownHeadings(std::string_view text, std::size_t headings_max);

/// What the named or numbered entity at the begin of `text` ("&amp;") stands for, and its length in
/// bytes; a length of 0 when it is none.
struct Entity {
  std::string text;
  std::size_t size = 0;
};
Entity entityAt(std::string_view text);

void appendUtf8(std::string& to, char32_t character);

/// Runs pdftotext on `pdf`; its output. Errors: those of extract() with "pdf" in their names.
Result<std::string> pdfText(std::string_view pdf, const ExtractLimits& limits);

}  // namespace tutti::search
