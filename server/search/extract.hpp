// Text out of a document, and where in the document it stands.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"

namespace tutti::search {

/// How a document is read and cut into sections.
enum class Kind { Plain, Markdown, Html, Json, Source, Rows, Pdf };

/// By content type; a type that says little (text/plain, application/octet-stream, none) yields to
/// the name's extension. Whether it is text at all shows when it is read.
Kind kindOf(std::string_view content_type, std::string_view filename);

/// UTF-8 text, with the place in the source that each of its characters came from.
class MappedText {
 public:
  /// Adds `piece`, which stands for `source_chars` characters of the source from `source_at` on.
  /// As many characters as it has itself: one for one. Otherwise (an entity, an escape) it stands
  /// for them as a whole; 0 for what the source does not have (a line break in place of a tag).
  void append(std::string_view piece, std::size_t source_at, std::size_t source_chars);

  const std::string& text() const { return text_; }

  /// Finds offsets in the source, in characters. Asked in rising order it is cheap.
  class Cursor {
   public:
    explicit Cursor(const MappedText& text) : mapped_(text) {}
    std::size_t sourceOffset(std::size_t text_at);

   private:
    const MappedText& mapped_;
    std::size_t run_ = 0;
    std::size_t at_ = 0;     ///< bytes, not before the run's begin
    std::size_t chars_ = 0;  ///< of the run before at_
  };

 private:
  struct Run {
    std::size_t text_at;       ///< bytes
    std::size_t source_at;     ///< characters
    std::size_t source_chars;  ///< where they end
    bool one_for_one;
  };
  std::string text_;
  std::vector<Run> runs_;
};

struct Heading {
  std::size_t text_at = 0;  ///< where its line begins, in bytes
  std::string title;
};

struct Extracted {
  Kind kind = Kind::Plain;
  MappedText content;
  std::vector<Heading> headings;  ///< in order
};

struct ExtractLimits {
  std::size_t source_bytes_max = 32U * 1024 * 1024;  ///< larger text is not indexed
  std::size_t pdf_bytes_max = 64U * 1024 * 1024;
  std::size_t text_bytes_max = 16U * 1024 * 1024;  ///< that a PDF may yield
  std::size_t headings_max = 1000;
  std::size_t pdf_memory_bytes_max = 1024U * 1024 * 1024;
  std::chrono::milliseconds pdf_time_max{20'000};
  std::string pdftotext = "pdftotext";  ///< searched in PATH unless it has a slash
};

/// How many bytes of a document of that kind are worth reading.
std::size_t sourceBytesMax(Kind kind, const ExtractLimits& limits);

/// Blocks, for a PDF up to `pdf_time_max`: for a worker's thread. For a PDF the offsets count in
/// the text that pdftotext made of it. Errors, all to stay with the document until it changes:
/// InvalidArgument "not_text" (ill-formed UTF-8 or NUL), "pdf_unreadable"; ResourceExhausted
/// "content_too_large", "pdf_text_too_large", "pdf_memory"; DeadlineExceeded "pdf_time";
/// FailedPrecondition "pdftotext_missing"; Internal.
Result<Extracted> extract(Kind kind, std::string_view content, const ExtractLimits& limits = {});

/// Characters (code points) of well-formed UTF-8.
std::size_t characterCount(std::string_view text);
/// The next place at or after `at` where a character begins.
std::size_t characterBegin(std::string_view text, std::size_t at);

}  // namespace tutti::search
