// Short lists of names, as rules and requests have them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::routing {

inline bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// At the end, unless it is there.
inline void addOnce(std::vector<std::string>& names, const std::string& name) {
  if (!contains(names, name)) names.push_back(name);
}

}  // namespace tutti::routing
