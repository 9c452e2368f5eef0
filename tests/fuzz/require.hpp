// What a fuzz target does when something that must hold does not.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tutti::fuzz {

/// Ends the process, which is how libFuzzer learns of a finding.
inline void require(bool holds, std::string_view what, std::string_view shown = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(shown.size()), shown.data());
  std::abort();
}

}  // namespace tutti::fuzz
