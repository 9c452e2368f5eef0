#include "server/rest/byte_range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "server/rest/header_fields.hpp"

namespace tutti::rest {
namespace {

/// Digits only; a number beyond 64 bits is as large as there is.
std::optional<std::uint64_t> parseDigits(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() ? number : UINT64_MAX;
}

enum class Spec { IllFormed, Outside, Inside };

/// One of `first-last`, `first-` and `-count`.
Spec readSpec(std::string_view text, std::uint64_t size, ByteRange& range) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return Spec::IllFormed;
  const std::string_view front = trimmedField(text.substr(0, dash));
  const std::string_view back = trimmedField(text.substr(dash + 1));
  const auto last = parseDigits(back);
  if (front.empty()) {
    if (!last) return Spec::IllFormed;
    range.size = std::min(*last, size);
    range.offset = size - range.size;
    return range.size == 0 ? Spec::Outside : Spec::Inside;
  }
  const auto first = parseDigits(front);
  if (!first || (!back.empty() && !last) || (last && *last < *first)) return Spec::IllFormed;
  if (*first >= size) return Spec::Outside;
  range.offset = *first;
  range.size = std::min(last.value_or(UINT64_MAX), size - 1) - *first + 1;
  return Spec::Inside;
}

}  // namespace

RangeChoice chooseRanges(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes";
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos ||
      lowerAscii(trimmedField(header.substr(0, equals))) != kUnit)
    return {};
  const auto specs = listItems(header.substr(equals + 1));
  if (specs.empty() || specs.size() > kRangesMax) return {};
  RangeChoice choice;
  std::uint64_t sum = 0;
  for (const std::string_view spec : specs) {
    ByteRange range;
    const Spec read = readSpec(spec, size, range);
    if (read == Spec::IllFormed) return {};
    if (read == Spec::Outside) continue;
    choice.ranges.push_back(range);
    sum += range.size;
  }
  if (choice.ranges.empty()) return {RangeChoice::Kind::Unsatisfiable, {}};
  // More than the whole in pieces that overlap: the whole is less.
  if (choice.ranges.size() > 1 && sum > size) return {};
  choice.kind = RangeChoice::Kind::Parts;
  return choice;
}

std::string contentRange(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.offset) + "-" +
         std::to_string(range.offset + range.size - 1) + "/" + std::to_string(size);
}

}  // namespace tutti::rest
