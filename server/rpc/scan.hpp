// Raw spans of a text that has been parsed already: for what must keep its exact spelling.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace tutti::rpc {

/// The text of member `key` of the object that `text` is, without surrounding space; the last one
/// if there are several. Empty when absent. `text` must be valid JSON and `key` free of escapes.
std::string_view memberSpan(std::string_view text, std::string_view key);

/// The end of the value that starts at `at`: the comma or closing bracket of the level above, or
/// the end of the text. In a text that is not valid JSON the result is some position up to its end.
std::size_t valueEnd(std::string_view text, std::size_t at);

/// The texts of the elements of the array that `text` is. `text` must be valid JSON.
std::vector<std::string_view> elementSpans(std::string_view text);

}  // namespace tutti::rpc
