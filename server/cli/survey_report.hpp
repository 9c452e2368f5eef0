// What a survey is asked and what it finds. Inner to the survey_* files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::cli {

struct SurveyOptions {
  std::string dir = ".";
  std::size_t top = 10;  ///< entries of each list
  std::int64_t days = 90;
  bool include_untracked = false;
  std::size_t files_max = 500'000;
  std::size_t file_bytes_max = 16U << 20;  ///< read of one file
  std::size_t commits_max = 20'000;        ///< counted for churn
  std::int64_t git_time_max_ms = 30'000;   ///< of one git command
};

enum class TodoKind { Todo, Fixme, Xxx, Hack };
inline constexpr std::string_view kTodoWords[] = {"TODO", "FIXME", "XXX", "HACK"};
inline constexpr std::size_t kTodoKinds = 4;

struct Todo {
  std::size_t line = 0;  ///< from 1
  TodoKind kind = TodoKind::Todo;
  std::string text;  ///< from the word to the end of its comment line; UTF-8
};

struct LineCounts {
  std::int64_t lines = 0;
  std::int64_t blank = 0;
  std::int64_t comment = 0;  ///< lines that are nothing but comment
};

/// What was found in one file.
struct FileFacts {
  enum class State { Text, Binary, Unreadable, Skipped };  ///< skipped: no regular file
  State state = State::Skipped;
  std::string_view language;  ///< of the table of languages: lives as long as the program
  std::int64_t bytes = 0;
  LineCounts counts;
  std::int64_t todo_counts[kTodoKinds] = {};
  std::vector<Todo> todos;  ///< the first `top`
  bool cut = false;         ///< larger than file_bytes_max: only its beginning was read
};

struct LastCommit {
  std::string id, author, date, subject;
};

struct ChurnEntry {
  std::string name;  ///< path, or author
  std::int64_t commits = 0;
  std::int64_t added = 0;
  std::int64_t deleted = 0;
};

struct Churn {
  std::int64_t days = 0;
  std::int64_t commits = 0;
  std::int64_t added = 0;
  std::int64_t deleted = 0;
  std::vector<ChurnEntry> files;    ///< most changed lines first, at most `top`
  std::vector<ChurnEntry> authors;  ///< most commits first, at most `top`
};

struct SurveyReport {
  std::string path;
  bool is_git = false;
  std::optional<std::string> branch;
  std::optional<LastCommit> last_commit;
  std::vector<std::string> files;  ///< paths below `path`, as bytes
  std::vector<FileFacts> facts;    ///< one for each of `files`
  std::optional<Churn> churn;
  bool truncated = false;
  std::vector<std::string> notes;
  std::int64_t elapsed_ms = 0;

  void cut(std::string note) {
    truncated = true;
    notes.push_back(std::move(note));
  }
};

/// The answer, as the output_schema of the blueprint repo-survey has it.
Json toJson(const SurveyReport& report, const SurveyOptions& options);

}  // namespace tutti::cli
