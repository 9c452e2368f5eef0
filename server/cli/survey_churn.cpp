// Counting `git log --numstat -z`: a record for each commit, then one for each file it changed.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>  // the report holds JSON's types
#include <tuple>
#include <unordered_map>
#include <utility>

#include "server/cli/survey_git.hpp"

namespace tutti::cli {
namespace {
constexpr std::size_t kEntriesMax = 500'000;  ///< distinct files or authors
constexpr char kCommitMark = '\x01';

using Entries = std::unordered_map<std::string, ChurnEntry>;

/// Takes git's pieces one by one. The paths of a renamed file are two pieces of their own: old,
/// new.
class NumstatReader {
 public:
  explicit NumstatReader(std::size_t commits_max) : commits_max_(commits_max) {}

  bool take(std::string_view piece) {
    if (paths_to_come_ > 0) {
      if (--paths_to_come_ == 0) addFile(piece);
      return true;
    }
    if (piece.starts_with('\n')) piece.remove_prefix(1);
    if (piece.starts_with(kCommitMark)) return beginCommit(piece.substr(1));
    return readNumbers(piece);
  }

  Churn result(const SurveyOptions& options) {
    churn_.days = options.days;
    const auto byLines = [](const ChurnEntry& a, const ChurnEntry& b) {
      const auto lines = [](const ChurnEntry& entry) { return entry.added + entry.deleted; };
      return std::tuple(lines(b), b.commits, a.name) < std::tuple(lines(a), a.commits, b.name);
    };
    const auto byCommits = [](const ChurnEntry& a, const ChurnEntry& b) {
      return std::tuple(b.commits, a.name) < std::tuple(a.commits, b.name);
    };
    churn_.files = first(options.top, files_, byLines);
    churn_.authors = first(options.top, authors_, byCommits);
    return churn_;
  }

  bool commitsCut() const { return commits_cut_; }
  bool entriesCut() const { return entries_cut_; }

 private:
  bool beginCommit(std::string_view author) {
    commits_cut_ = static_cast<std::size_t>(churn_.commits) >= commits_max_;
    if (commits_cut_) return false;
    ++churn_.commits;
    author_ = entry(authors_, author);
    if (author_ != nullptr) ++author_->commits;
    return true;
  }

  /// "12\t3\tpath", "-\t-\tpath" for a binary file, "12\t3\t" before the two paths of a rename.
  bool readNumbers(std::string_view piece) {
    const std::size_t first_tab = piece.find('\t');
    if (first_tab == std::string_view::npos) return true;
    const std::size_t second_tab = piece.find('\t', first_tab + 1);
    if (second_tab == std::string_view::npos) return true;
    added_ = number(piece.substr(0, first_tab));
    deleted_ = number(piece.substr(first_tab + 1, second_tab - first_tab - 1));
    const std::string_view path = piece.substr(second_tab + 1);
    if (path.empty())
      paths_to_come_ = 2;
    else
      addFile(path);
    return true;
  }

  static std::int64_t number(std::string_view text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  void addFile(std::string_view path) {
    churn_.added += added_;
    churn_.deleted += deleted_;
    for (ChurnEntry* one : {author_, entry(files_, path)}) {
      if (one == nullptr) continue;
      one->added += added_;
      one->deleted += deleted_;
      if (one != author_) ++one->commits;
    }
  }

  ChurnEntry* entry(Entries& entries, std::string_view name) {
    std::string key(name);
    const auto known = entries.find(key);
    if (known != entries.end()) return &known->second;
    entries_cut_ = entries_cut_ || entries.size() >= kEntriesMax;
    if (entries.size() >= kEntriesMax) return nullptr;
    ChurnEntry& added = entries[key];
    added.name = std::move(key);
    return &added;
  }

  template <class Order>
  static std::vector<ChurnEntry> first(std::size_t count, const Entries& entries, Order order) {
    std::vector<ChurnEntry> all;
    for (const auto& [name, one] : entries) all.push_back(one);
    const std::size_t kept = std::min(count, all.size());
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
                      order);
    all.resize(kept);
    return all;
  }

  const std::size_t commits_max_;
  Churn churn_;
  Entries files_;
  Entries authors_;  // never moves its values, so author_ stays good
  ChurnEntry* author_ = nullptr;
  std::int64_t added_ = 0;
  std::int64_t deleted_ = 0;
  int paths_to_come_ = 0;
  bool commits_cut_ = false;
  bool entries_cut_ = false;
};
}  // namespace

std::optional<Churn> countChurn(const SurveyOptions& options, const Checkout& checkout,
                                SurveyReport& report) {
  std::vector<std::string> arguments = {"log",
                                        "-z",
                                        "--numstat",
                                        "--no-merges",
                                        "--no-color",
                                        "--no-ext-diff",
                                        "--no-textconv",
                                        "--format=%x01%aN",
                                        "--since=" + std::to_string(options.days) + ".days"};
  if (checkout.is_subfolder) arguments.emplace_back("--relative");
  arguments.emplace_back("--");
  if (checkout.is_subfolder) arguments.emplace_back(".");
  NumstatReader reader(options.commits_max);
  const Result<GitEnd> end =
      runGit(options, arguments, [&reader](std::string_view piece) { return reader.take(piece); });
  const bool whole = end.ok() && end->status == 0;
  if (!whole && !(end.ok() && (end->stopped || end->timed_out))) {
    report.notes.push_back("churn was not counted: " +
                           (end.ok() ? end->complaint : end.error().message()));
    return std::nullopt;
  }
  if (end->timed_out)
    report.cut("churn is counted for the newest commits only: git log took longer than " +
               std::to_string(options.git_time_max_ms / 1000) + " s");
  if (reader.commitsCut())
    report.cut("churn is counted for the newest " + std::to_string(options.commits_max) +
               " commits only (commits_max)");
  if (reader.entriesCut()) report.cut("churn has more entries than are counted");
  if (checkout.is_shallow)
    report.notes.emplace_back("this is a shallow clone: history is shorter than it was");
  return reader.result(options);
}

}  // namespace tutti::cli
