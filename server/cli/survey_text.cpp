#include <string.h>

#include <algorithm>
#include <nlohmann/json.hpp>  // the report holds JSON's types
#include <utility>

#include "server/base/text.hpp"
#include "server/cli/survey_text.hpp"

namespace tutti::cli {
namespace {
constexpr std::size_t kBinaryLook = 8000;
constexpr std::size_t kBlockLook =
    64 * 1024;  ///< how far back a block comment's beginning is sought
constexpr std::size_t kTextMax = 200;
constexpr std::size_t kHitsMax =
    2'000;  ///< of each word in one file: no text costs more than linear time

bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

bool isWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  const auto low = static_cast<unsigned char>(byte | 0x20U);
  return (byte >= '0' && byte <= '9') || (low >= 'a' && low <= 'z') || byte == '_' || byte >= 0x80;
}

bool beginsLineComment(std::string_view text, const CommentStyle& comments) {
  return std::any_of(
      std::begin(comments.line), std::end(comments.line),
      [&](std::string_view sign) { return !sign.empty() && text.starts_with(sign); });
}

/// Is the place inside a comment: after a sign on its own line, or in a block that is still open?
bool isInComment(std::string_view text, std::size_t line_at, std::size_t at,
                 const CommentStyle& comments) {
  const std::string_view before = text.substr(line_at, at - line_at);
  for (const std::string_view sign : comments.line)
    if (!sign.empty() && before.find(sign) != std::string_view::npos) return true;
  if (comments.block_open.empty()) return false;
  const std::size_t from = at > kBlockLook ? at - kBlockLook : 0;
  const std::string_view window = text.substr(from, at - from);
  const std::size_t opened = window.rfind(comments.block_open);
  if (opened == std::string_view::npos) return false;
  const std::string_view inside = window.substr(opened + comments.block_open.size());
  return inside.find(comments.block_close) == std::string_view::npos;
}

std::string todoText(std::string_view text, std::size_t at, const CommentStyle& comments) {
  std::string_view line = text.substr(at, std::min(text.find('\n', at), text.size()) - at);
  if (!comments.block_close.empty()) line = line.substr(0, line.find(comments.block_close));
  while (!line.empty() && isSpace(line.back())) line.remove_suffix(1);
  return shortened(toValidUtf8(line.substr(0, 4 * kTextMax)), kTextMax);
}

struct Hit {
  std::size_t at = 0;
  TodoKind kind = TodoKind::Todo;
};

/// All places of the four words as whole words, in the order of the text.
std::vector<Hit> wordsIn(std::string_view text) {
  std::vector<Hit> hits;
  for (std::size_t kind = 0; kind < kTodoKinds; ++kind) {
    const std::string_view word = kTodoWords[kind];
    const char* const end = text.data() + text.size();
    const char* from = text.data();
    const std::size_t hits_max = hits.size() + kHitsMax;
    while (from < end && hits.size() < hits_max) {
      const void* found =
          ::memmem(from, static_cast<std::size_t>(end - from), word.data(), word.size());
      if (found == nullptr) break;
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
      const std::size_t after = at + word.size();
      from = text.data() + after;
      const bool whole = (at == 0 || !isWordByte(text[at - 1])) &&
                         (after >= text.size() || !isWordByte(text[after]));
      if (whole) hits.push_back({at, static_cast<TodoKind>(kind)});
    }
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.at < b.at; });
  return hits;
}
}  // namespace

bool isBinary(std::string_view content) {
  return ::memchr(content.data(), '\0', std::min(content.size(), kBinaryLook)) != nullptr;
}

LineCounts countLines(std::string_view text, const CommentStyle& comments) {
  LineCounts counts;
  bool in_block = false;
  while (!text.empty()) {
    const void* newline = ::memchr(text.data(), '\n', text.size());
    const std::size_t size =
        newline == nullptr
            ? text.size()
            : static_cast<std::size_t>(static_cast<const char*>(newline) - text.data());
    std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    ++counts.lines;
    while (!line.empty() && isSpace(line.front())) line.remove_prefix(1);
    if (line.empty()) {
      ++counts.blank;
    } else if (in_block) {
      ++counts.comment;
      in_block = line.find(comments.block_close) == std::string_view::npos;
    } else if (!comments.block_open.empty() && line.starts_with(comments.block_open)) {
      ++counts.comment;
      in_block =
          line.find(comments.block_close, comments.block_open.size()) == std::string_view::npos;
    } else if (beginsLineComment(line, comments)) {
      ++counts.comment;
    }
  }
  return counts;
}

void findTodos(std::string_view text, const CommentStyle& comments, std::size_t todos_max,
               FileFacts& facts) {
  std::size_t line = 1;
  std::size_t line_at = 0;
  std::size_t counted_line_at = std::string_view::npos;  // one comment line is one open point
  for (const Hit& hit : wordsIn(text)) {
    const auto begin = text.begin() + static_cast<std::ptrdiff_t>(line_at);
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(hit.at);
    line += static_cast<std::size_t>(std::count(begin, end, '\n'));
    const std::size_t newline = hit.at == 0 ? std::string_view::npos : text.rfind('\n', hit.at - 1);
    line_at = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_at == counted_line_at || !isInComment(text, line_at, hit.at, comments)) continue;
    counted_line_at = line_at;
    ++facts.todo_counts[static_cast<std::size_t>(hit.kind)];
    if (facts.todos.size() < todos_max)
      facts.todos.push_back({line, hit.kind, todoText(text, hit.at, comments)});
  }
}

}  // namespace tutti::cli
