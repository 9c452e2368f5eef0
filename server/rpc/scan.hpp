// Raw spans of a text that has been parsed already: for what must keep its exact spelling.
#pragma once

#include <string_view>
#include <vector>

namespace tutti::rpc {

/// The text of member `key` of the object that `text` is, without surrounding space; the last one
/// if there are several. Empty when absent. `text` must be valid JSON and `key` free of escapes.
std::string_view memberSpan(std::string_view text, std::string_view key);

/// The texts of the elements of the array that `text` is. `text` must be valid JSON.
std::vector<std::string_view> elementSpans(std::string_view text);

}  // namespace tutti::rpc
