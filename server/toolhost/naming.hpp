// Names of mounted tools: a prefix for the server, unique, within MCP's rules.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace tutti::toolhost {

inline constexpr std::size_t kToolNameMax = 128;

/// `server__tool` of what A-Z a-z 0-9 _ . - has; other bytes become `_`. A name that is too long,
/// or in `taken` already, ends with a digest of the two, so that it stays the same from start to
/// start. The result is added to `taken`.
std::string mountedName(std::string_view server, std::string_view tool,
                        std::set<std::string>& taken);

}  // namespace tutti::toolhost
