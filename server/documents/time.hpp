// Inner to server/documents: the store's timestamps as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::documents {

/// The timestamp that lies so many seconds before `now` (isoTimestamp's form).
std::string earlier(const std::string& now, std::int64_t seconds);

/// A caller's time, "2026-11-20", "2026-11-20T20:36", with seconds, a fraction, "Z" or an offset
/// (UTC when absent), in isoTimestamp's form. Errors: InvalidArgument "invalid_time".
Result<std::string> timestampFrom(std::string_view text);

}  // namespace tutti::documents
