// Conditional requests (RFC 9110, 13): entity tags and dates.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/base/clock.hpp"

namespace tutti::rest {

/// What a resource is now.
struct Validators {
  std::string etag;  ///< with its quotes, strong
  WallTime changed_at;
};

/// The headers of a request.
struct Conditions {
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
  std::optional<std::string> if_modified_since;
  std::optional<std::string> if_unmodified_since;
  std::optional<std::string> if_range;
};

enum class Verdict { Proceed, NotModified, PreconditionFailed };

/// Are there any but If-Range?
bool anyCondition(const Conditions& conditions);
/// The conditions of a change in one text; "" when there are none.
std::string changeConditionsText(const Conditions& conditions);
/// What to do with a GET or HEAD.
Verdict judgeRead(const Conditions& conditions, const Validators& now);
/// What to do with a request that changes the resource. Never NotModified.
Verdict judgeChange(const Conditions& conditions, const Validators& now);
/// Does If-Range, if given, still let a range be sent?
bool rangeHolds(const Conditions& conditions, const Validators& now);

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string httpDate(WallTime time);
/// Of an isoTimestamp(), in UTC. Nothing for another text.
std::optional<WallTime> parseIsoTimestamp(std::string_view text);
/// The three forms that RFC 9110 has. Nothing for what is no date.
std::optional<WallTime> parseHttpDate(std::string_view text);

}  // namespace tutti::rest
