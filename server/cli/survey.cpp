#include "server/cli/survey.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/file.hpp"
#include "server/base/result.hpp"
#include "server/base/text.hpp"
#include "server/cli/survey_git.hpp"
#include "server/cli/survey_report.hpp"
#include "server/cli/survey_scan.hpp"

namespace tutti::cli {
namespace {
using SteadyClock = std::chrono::steady_clock;
constexpr std::int64_t kTopMax = 1000;
constexpr std::int64_t kDaysMax = 36'500;

constexpr char kHelp[] =
    "Usage: tutti survey [--dir DIR] [--top N] [--days N] [--include-untracked]\n"
    "\n"
    "Prints what a folder of source code holds, as one JSON object on stdout: languages, largest "
    "files,\n"
    "open TODO, FIXME, XXX and HACK comments, and in a git checkout recent churn by file and "
    "author.\n"
    "Progress goes to stderr. Exit status 0, or 1 with the reason on stderr.\n"
    "\n"
    "  --dir DIR            the folder; default: the working folder\n"
    "  --top N              entries of each list, 1 to 1000; default 10\n"
    "  --days N             how far back churn is counted, 1 to 36500; default 90\n"
    "  --include-untracked  in a git checkout, also files git neither tracks nor ignores\n"
    "  --json               accepted and without effect: the output is always JSON\n";

void progress(const std::string& text) {
  std::fprintf(stderr, "survey: %s\n", text.c_str());
}

struct Option {
  std::string name;  ///< with '-' for '_', without the leading dashes
  std::optional<std::string> value;
};

/// "--include_untracked" and "--include-untracked" are the same: an agent's parameters come with
/// '_'.
Option split(const std::string& argument) {
  Option option;
  const std::size_t equals = argument.find('=');
  option.name = argument.substr(0, equals);
  std::replace(option.name.begin(), option.name.end(), '_', '-');
  if (equals != std::string::npos) option.value = argument.substr(equals + 1);
  return option;
}

Error usageError(std::string message) {
  return Error(Code::InvalidArgument, std::move(message), "see tutti survey --help");
}

struct Bounds {
  std::int64_t least;
  std::int64_t most;
};

Result<std::int64_t> numberOf(const std::string& name, const std::string& text, Bounds bounds) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, value);
  if (failed == std::errc() && stopped == end && value >= bounds.least && value <= bounds.most)
    return value;
  return usageError(name + " is '" + shortened(toValidUtf8(text), 40) + "', not a number from " +
                    std::to_string(bounds.least) + " to " + std::to_string(bounds.most));
}

Status setOption(SurveyOptions& options, const Option& option) {
  if (option.name == "--dir") {
    if (option.value->empty()) return usageError("--dir is empty");
    options.dir = *option.value;
    return ok();
  }
  const bool is_top = option.name == "--top";
  const Bounds bounds = {1, is_top ? kTopMax : kDaysMax};
  const Result<std::int64_t> number = numberOf(option.name, *option.value, bounds);
  if (!number.ok()) return number.error();
  if (is_top)
    options.top = static_cast<std::size_t>(*number);
  else
    options.days = *number;
  return ok();
}

Result<SurveyOptions> readOptions(const std::vector<std::string>& arguments) {
  SurveyOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    Option option = split(arguments[i]);
    if (option.name == "--include-untracked") {
      options.include_untracked = option.value.value_or("true") != "false";
      continue;
    }
    if (option.name == "--json") continue;
    const bool known = option.name == "--dir" || option.name == "--top" || option.name == "--days";
    if (!known)
      return usageError("unknown option '" + shortened(toValidUtf8(arguments[i]), 80) + "'");
    if (!option.value && i + 1 >= arguments.size())
      return usageError(option.name + " has no value");
    if (!option.value) option.value = arguments[++i];
    if (Status set = setOption(options, option); !set.ok()) return std::move(set).error();
  }
  return options;
}

/// The folder as an absolute path. Errors say what stands there instead.
Result<std::string> resolveFolder(const std::string& dir) {
  struct stat info {};
  if (::stat(dir.c_str(), &info) != 0)
    return Error(Code::NotFound, "cannot survey '" + toValidUtf8(dir) + "': " + errnoText(errno),
                 "give an existing folder with --dir");
  if (!S_ISDIR(info.st_mode))
    return Error(Code::InvalidArgument, "'" + toValidUtf8(dir) + "' is no folder",
                 "give the folder it stands in");
  std::error_code failed;
  const auto resolved = std::filesystem::canonical(dir, failed);
  if (failed) return ioError(failed.value(), "resolve", dir);
  return resolved.string();
}

/// Asks git first; without a checkout, or where git tracks nothing, walks the folder.
Result<std::optional<Checkout>> listFiles(const SurveyOptions& options, SurveyReport& report) {
  std::string why;
  Result<std::optional<Checkout>> checkout = findCheckout(options, why);
  const bool no_git = !checkout.ok() && checkout.error().name() == "git_not_installed";
  if (no_git) checkout = std::optional<Checkout>();
  if (!checkout.ok()) return checkout;
  if (no_git) report.notes.emplace_back("git is not installed: nothing is said of history");
  if (!why.empty()) report.notes.push_back(why);
  report.is_git = checkout->has_value();
  if (report.is_git) {
    const Result<bool> cut = listTracked(options, report.files);
    if (!cut.ok()) return cut.error();
    if (*cut) report.cut("only the first files are surveyed (files_max or time)");
    if (!report.files.empty()) return checkout;
    report.notes.emplace_back("git tracks no file here: the folder was walked");
  }
  Walk walk = walkFolder(options);
  report.files = std::move(walk.files);
  const std::vector<std::string> skipped(walk.skipped.begin(), walk.skipped.end());
  if (!skipped.empty()) report.notes.push_back("folders left out: " + joined(skipped));
  if (walk.other_devices) report.notes.emplace_back("folders on other file systems were left out");
  if (walk.cut)
    report.cut("only the first " + std::to_string(options.files_max) +
               " files are surveyed (files_max)");
  return checkout;
}

void readAll(const SurveyOptions& options, SurveyReport& report) {
  progress(std::to_string(report.files.size()) + " files");
  auto told = SteadyClock::now();
  report.facts = readFiles(options, report.files, [&told](std::size_t done, std::size_t of) {
    if (SteadyClock::now() - told < std::chrono::seconds(1)) return;
    told = SteadyClock::now();
    progress("read " + std::to_string(done) + " of " + std::to_string(of) + " files");
  });
  const auto cut = std::count_if(report.facts.begin(), report.facts.end(),
                                 [](const FileFacts& facts) { return facts.cut; });
  if (cut > 0)
    report.cut(std::to_string(cut) + (cut == 1 ? " file is" : " files are") + " larger than " +
               std::to_string(options.file_bytes_max) + " bytes and read only so far");
}

Result<SurveyReport> makeReport(SurveyOptions& options) {
  const auto start = SteadyClock::now();
  SurveyReport report;
  Result<std::string> folder = resolveFolder(options.dir);
  if (!folder.ok()) return std::move(folder).error();
  options.dir = *folder;
  report.path = *folder;
  progress("listing the files of " + toValidUtf8(*folder));
  const Result<std::optional<Checkout>> checkout = listFiles(options, report);
  if (!checkout.ok()) return checkout.error();
  readAll(options, report);
  if (*checkout) {
    progress("counting the changes of " + std::to_string(options.days) + " days");
    report.branch = currentBranch(options);
    report.last_commit = lastCommit(options);
    if (report.last_commit) report.churn = countChurn(options, **checkout, report);
  }
  const auto elapsed = SteadyClock::now() - start;
  report.elapsed_ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  progress("done in " + std::to_string(report.elapsed_ms) + " ms");
  return report;
}

int fail(const Error& error) {
  std::fprintf(stderr, "tutti survey: %s\n", error.text().c_str());
  return 1;
}
}  // namespace

int survey(const std::vector<std::string>& arguments) {
  const auto asksHelp = [](const std::string& word) { return word == "--help" || word == "-h"; };
  if (std::any_of(arguments.begin(), arguments.end(), asksHelp)) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  Result<SurveyOptions> options = readOptions(arguments);
  if (!options.ok()) return fail(options.error());
  const Result<SurveyReport> report = makeReport(*options);
  if (!report.ok()) return fail(report.error());
  const std::string text = json::dump(toJson(*report, *options)) + "\n";
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : fail(ioError(errno, "write", "the answer"));
}

}  // namespace tutti::cli
