#include "server/rest/conditions.hpp"

#include <ctime>

#include "server/rest/header_fields.hpp"

namespace tutti::rest {
namespace {

std::string_view withoutWeakMark(std::string_view tag) {
  return tag.substr(0, 2) == "W/" ? tag.substr(2) : tag;
}

/// `*` or a list of tags. The strong comparison never matches a weak tag.
bool strongMatch(std::string_view field, std::string_view etag) {
  for (const std::string_view tag : listItems(field))
    if (tag == "*" || tag == etag) return true;
  return false;
}

bool weakMatch(std::string_view field, std::string_view etag) {
  for (const std::string_view tag : listItems(field))
    if (tag == "*" || withoutWeakMark(tag) == etag) return true;
  return false;
}

std::chrono::seconds wholeSeconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
}

bool changedSince(std::string_view date, const Validators& now) {
  const auto since = parseHttpDate(date);
  return since && wholeSeconds(now.changed_at) > wholeSeconds(*since);
}

/// If-Match, or If-Unmodified-Since without it.
bool stillAsExpected(const Conditions& conditions, const Validators& now) {
  if (conditions.if_match) return strongMatch(*conditions.if_match, now.etag);
  return !conditions.if_unmodified_since || !changedSince(*conditions.if_unmodified_since, now);
}

}  // namespace

bool anyCondition(const Conditions& conditions) {
  return conditions.if_match || conditions.if_none_match || conditions.if_modified_since ||
         conditions.if_unmodified_since;
}

std::string changeConditionsText(const Conditions& conditions) {
  std::string text;
  for (const auto* field :
       {&conditions.if_match, &conditions.if_none_match, &conditions.if_unmodified_since})
    text += *field ? "+" + **field + "\n" : "\n";  // no field's value has a line break
  return text == "\n\n\n" ? std::string() : text;
}

Verdict judgeRead(const Conditions& conditions, const Validators& now) {
  if (!stillAsExpected(conditions, now)) return Verdict::PreconditionFailed;
  if (conditions.if_none_match)
    return weakMatch(*conditions.if_none_match, now.etag) ? Verdict::NotModified : Verdict::Proceed;
  if (!conditions.if_modified_since || !parseHttpDate(*conditions.if_modified_since))
    return Verdict::Proceed;
  return changedSince(*conditions.if_modified_since, now) ? Verdict::Proceed : Verdict::NotModified;
}

Verdict judgeChange(const Conditions& conditions, const Validators& now) {
  if (!stillAsExpected(conditions, now)) return Verdict::PreconditionFailed;
  const bool excluded = conditions.if_none_match && weakMatch(*conditions.if_none_match, now.etag);
  return excluded ? Verdict::PreconditionFailed : Verdict::Proceed;
}

bool rangeHolds(const Conditions& conditions, const Validators& now) {
  if (!conditions.if_range) return true;
  const std::string_view field = trimmedField(*conditions.if_range);
  if (!field.empty() && (field.front() == '"' || field.substr(0, 2) == "W/"))
    return field == now.etag;
  const auto date = parseHttpDate(field);
  return date && wholeSeconds(*date) == wholeSeconds(now.changed_at);
}

std::string httpDate(WallTime time) {
  const std::time_t seconds = wholeSeconds(time).count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text, size};
}

std::optional<WallTime> parseIsoTimestamp(std::string_view text) {
  std::tm utc{};
  const std::string whole(text);
  if (::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

std::optional<WallTime> parseHttpDate(std::string_view text) {
  constexpr const char* kForms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                    "%a %b %e %H:%M:%S %Y"};
  const std::string whole(trimmedField(text));
  for (const char* form : kForms) {
    std::tm utc{};
    const char* end = ::strptime(whole.c_str(), form, &utc);
    if (end == nullptr || *end != '\0') continue;
    return std::chrono::system_clock::from_time_t(::timegm(&utc));
  }
  return std::nullopt;
}

}  // namespace tutti::rest
