// Editing a text: one place replaced by another, found by its words or by its position. Pure
// functions; all positions count characters (Unicode code points).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::documents {

/// Either `old_string` (with `replace_all`) or `offset` (with `length`).
struct Edit {
  std::string new_string;
  std::optional<std::string> old_string;
  bool replace_all = false;
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> length;  ///< characters replaced; 0 (insert) when absent
};

struct EditRange {
  std::int64_t offset = 0;
  std::int64_t old_length = 0;
  std::int64_t new_length = 0;
};

struct EditedText {
  std::string text;
  std::optional<std::int64_t> replacements_made;  ///< of an edit by words
  std::optional<EditRange> edit_range;            ///< of an edit by position
};

/// Is `edit` one of the two kinds? For before the document is looked at. Errors, InvalidArgument
/// with AOF's texts: "edit_modes_mixed" `Cannot mix old_string and offset modes` (also `length`
/// with old_string), "edit_mode_missing" `Must provide old_string or offset`,
/// "old_string_empty", "offset_negative" `offset must be non-negative`, "length_negative",
/// "invalid_utf8" when a string is ill-formed.
Status checkEdit(const Edit& edit);

/// `text` (well-formed UTF-8) with `edit` done. Occurrences of old_string are found from the left
/// and do not overlap. Errors: those of checkEdit(); InvalidArgument "old_string_not_found"
/// `old_string not found in document`, "old_string_ambiguous" `old_string matches N times; use
/// replace_all=true or provide more context`, "offset_out_of_range" `offset O exceeds document
/// length L`, "range_out_of_range" `range exceeds document length (offset=…, length=…,
/// doc_length=…)`; ResourceExhausted "edit_bytes_max" when the outcome is above `bytes_max`.
Result<EditedText> applyEdit(std::string_view text, const Edit& edit,
                             std::size_t bytes_max = 64U << 20);

}  // namespace tutti::documents
