// `tutti survey`: what a folder of source code holds, as one JSON object on stdout. The work of the
// shipped blueprint repo-survey.
#pragma once

#include <string>
#include <vector>

namespace tutti::cli {

/// Surveys --dir (default: the working folder) and prints {path, is_git, files, bytes, lines,
/// languages[], largest_files[], todos[], churn{…}|null, …}. Options: --dir DIR, --top N (largest
/// files, todos and churn entries; default 10), --days N (churn window; default 90),
/// --include-untracked. Progress goes to stderr, a line a step. Exit status 0, or 1 with the reason
/// on stderr.
int survey(const std::vector<std::string>& arguments);

}  // namespace tutti::cli
