// What git knows of a folder. Each function starts git by its arguments, never by a shell, and
// reads what it prints as it comes. Nothing a checkout's configuration names is executed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/cli/survey_report.hpp"

namespace tutti::cli {

/// How a run of git ended.
struct GitEnd {
  int status = 0;        ///< exit status, 128 + signal
  bool stopped = false;  ///< the reader had enough
  bool timed_out = false;
  std::string complaint;  ///< the first line of stderr
};

/// Runs `git -C dir arguments…` and gives each NUL-terminated piece of its output, and what follows
/// the last NUL, to `reader`, until that returns false. Errors: FailedPrecondition
/// "git_not_installed", Internal "io_error".
Result<GitEnd> runGit(const SurveyOptions& options, const std::vector<std::string>& arguments,
                      const std::function<bool(std::string_view)>& reader);

struct Checkout {
  bool is_subfolder = false;  ///< of the checkout's root
  bool is_shallow = false;
};
/// nullopt when `dir` is in no checkout; `why` then says so if git has more to say (another owner).
Result<std::optional<Checkout>> findCheckout(const SurveyOptions& options, std::string& why);

/// Paths below `dir`, sorted, each once. Returns whether files_max cut the list.
Result<bool> listTracked(const SurveyOptions& options, std::vector<std::string>& files);

std::optional<std::string> currentBranch(const SurveyOptions& options);
std::optional<LastCommit> lastCommit(const SurveyOptions& options);

/// Changes by file and author in the last `days`, merges left out. nullopt without history. What a
/// limit cut is said in `report`.
std::optional<Churn> countChurn(const SurveyOptions& options, const Checkout& checkout,
                                SurveyReport& report);

}  // namespace tutti::cli
