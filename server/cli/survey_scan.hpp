// Finding files without git, and reading files.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "server/cli/survey_report.hpp"

namespace tutti::cli {

struct Walk {
  std::vector<std::string> files;  ///< below `dir`, sorted
  std::set<std::string> skipped;   ///< names of folders that were left out, as in "node_modules"
  bool other_devices = false;      ///< a folder on another file system was left out
  bool cut = false;                ///< by files_max
};

/// Lists a folder that git does not know. Folders of version control, of dependencies and of what
/// builds make are left out, links are not followed, other file systems not entered.
Walk walkFolder(const SurveyOptions& options);

/// Told now and then how many files are read.
using ReadProgress = std::function<void(std::size_t done, std::size_t of)>;

/// Reads each file of `files` below options.dir, on this thread and one for each further processor,
/// at most four. No link is followed, no more than file_bytes_max of a file is read.
std::vector<FileFacts> readFiles(const SurveyOptions& options,
                                 const std::vector<std::string>& files,
                                 const ReadProgress& progress);

}  // namespace tutti::cli
