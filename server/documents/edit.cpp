#include "server/documents/edit.hpp"

#include "server/base/text.hpp"
#include "server/documents/text_range.hpp"

namespace tutti::documents {
namespace {
Error refused(const char* name, std::string message, std::string hint = {}) {
  return Error(Code::InvalidArgument, std::move(message), std::move(hint)).named(name);
}

Error tooLarge(std::size_t bytes_max) {
  return Error(Code::ResourceExhausted,
               "the text would have more than " + std::to_string(bytes_max) + " bytes",
               "write it as several documents")
      .named("edit_bytes_max");
}

/// How often `words` is in `text`, from the left and without overlaps.
std::int64_t occurrences(std::string_view text, std::string_view words) {
  std::int64_t count = 0;
  for (auto at = text.find(words); at != text.npos; at = text.find(words, at + words.size()))
    ++count;
  return count;
}

std::string replaced(std::string_view text, std::string_view words, std::string_view by) {
  std::string out;
  std::size_t from = 0;
  for (auto at = text.find(words); at != text.npos; at = text.find(words, from)) {
    out.append(text.substr(from, at - from)).append(by);
    from = at + words.size();
  }
  return out.append(text.substr(from));
}

Result<EditedText> editByWords(std::string_view text, const Edit& edit, std::size_t bytes_max) {
  const std::string& words = *edit.old_string;
  const std::int64_t count = occurrences(text, words);
  if (count == 0)
    return refused("old_string_not_found", "old_string not found in document",
                   "read the document again: it may have changed");
  if (count > 1 && !edit.replace_all)
    return refused("old_string_ambiguous",
                   "old_string matches " + std::to_string(count) +
                       " times; use replace_all=true or provide more context");
  const auto n = static_cast<std::size_t>(count);
  const std::size_t kept = text.size() - n * words.size();
  if (kept > bytes_max || edit.new_string.size() > (bytes_max - kept) / n)
    return tooLarge(bytes_max);
  EditedText edited;
  edited.text = replaced(text, words, edit.new_string);
  edited.replacements_made = count;
  return edited;
}

Result<EditedText> editByPosition(std::string_view text, const Edit& edit, std::size_t bytes_max) {
  const std::int64_t offset = *edit.offset;
  const std::int64_t length = edit.length.value_or(0);
  const std::int64_t total = countCharacters(text);
  if (offset > total)
    return refused("offset_out_of_range", "offset " + std::to_string(offset) +
                                              " exceeds document length " + std::to_string(total));
  if (length > total - offset)
    return refused("range_out_of_range",
                   "range exceeds document length (offset=" + std::to_string(offset) + ", length=" +
                       std::to_string(length) + ", doc_length=" + std::to_string(total) + ")");
  const FoundRange range = findRange(text, {offset, length});
  const auto start = static_cast<std::size_t>(range.bytes_start);
  const auto end = static_cast<std::size_t>(range.bytes_end);
  const std::size_t kept = text.size() - (end - start);
  if (kept > bytes_max || edit.new_string.size() > bytes_max - kept) return tooLarge(bytes_max);
  EditedText edited;
  edited.text.reserve(kept + edit.new_string.size());
  edited.text.append(text.substr(0, start)).append(edit.new_string).append(text.substr(end));
  edited.edit_range = EditRange{offset, length, countCharacters(edit.new_string)};
  return edited;
}
}  // namespace

Status checkEdit(const Edit& edit) {
  if (edit.old_string && (edit.offset || edit.length))
    return refused("edit_modes_mixed", "Cannot mix old_string and offset modes",
                   "give either old_string, or offset and length");
  if (!edit.old_string && !edit.offset)
    return refused("edit_mode_missing", "Must provide old_string or offset");
  if (edit.old_string && edit.old_string->empty())
    return refused("old_string_empty", "old_string is empty",
                   "to insert, give offset; to write the whole, use doc_write");
  if (edit.offset && *edit.offset < 0)
    return refused("offset_negative", "offset must be non-negative");
  if (edit.length && *edit.length < 0)
    return refused("length_negative", "length must be non-negative");
  if (!isValidUtf8(edit.new_string) || (edit.old_string && !isValidUtf8(*edit.old_string)))
    return refused("invalid_utf8", "the strings of an edit must be well-formed UTF-8");
  return ok();
}

Result<EditedText> applyEdit(std::string_view text, const Edit& edit, std::size_t bytes_max) {
  if (Status checked = checkEdit(edit); !checked.ok()) return std::move(checked).error();
  return edit.old_string ? editByWords(text, edit, bytes_max)
                         : editByPosition(text, edit, bytes_max);
}

}  // namespace tutti::documents
