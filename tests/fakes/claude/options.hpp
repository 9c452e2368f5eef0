// The part of Claude Code's command line that a driver may use.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fake_claude {

/// Parsed arguments. `values` holds the last value of each option under its long name without
/// dashes ("session-id"); a switch holds "true".
struct Options {
  std::map<std::string, std::string> values;
  std::vector<std::string> words;  ///< positional arguments
  std::string error;               ///< not empty: print it and exit with 1, as the real one does

  bool has(const std::string& name) const { return values.count(name) != 0; }
  std::string get(const std::string& name) const;
};

Options parseOptions(int count, char** arguments);

}  // namespace fake_claude
