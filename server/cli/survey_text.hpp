// Counting a text's lines and finding its open comments.
#pragma once

#include <string_view>

#include "server/cli/survey_language.hpp"
#include "server/cli/survey_report.hpp"

namespace tutti::cli {

/// As git does: a NUL among the first 8000 bytes.
bool isBinary(std::string_view content);

/// A last line without its newline counts. A comment line is one that begins as a comment or stands
/// in a block that began at the beginning of a line; comment signs inside strings are not
/// recognised as such.
LineCounts countLines(std::string_view text, const CommentStyle& comments);

/// Fills todo_counts and the first `todos_max` of todos: TODO, FIXME, XXX and HACK as whole words
/// inside a comment. Where a comment is told by its signs alone, a string that holds them passes
/// for one.
void findTodos(std::string_view text, const CommentStyle& comments, std::size_t todos_max,
               FileFacts& facts);

}  // namespace tutti::cli
