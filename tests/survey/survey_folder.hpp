// A temporary folder to survey, and the survey of it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/cli/survey.hpp"
#include "server/json/json.hpp"

namespace tutti::cli {

class SurveyFolder {
 public:
  SurveyFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tutti-survey-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = std::filesystem::canonical(name);
  }
  ~SurveyFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  SurveyFolder(const SurveyFolder&) = delete;
  SurveyFolder& operator=(const SurveyFolder&) = delete;

  const std::filesystem::path& root() const { return root_; }
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary | std::ios::trunc) << content;
  }

  /// `git -C root arguments…` as Ann; its exit status.
  int git(std::vector<std::string> arguments) const {
    std::vector<std::string> line = {
        "git", "-C", root_.string(), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : line) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    const int failed = ::posix_spawnp(&pid, "git", &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) return -1;
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void commitAll(const std::string& subject) const {
    EXPECT_EQ(git({"add", "-A"}), 0);
    EXPECT_EQ(git({"commit", "-q", "-m", subject}), 0);
  }

 private:
  std::filesystem::path root_;
};

struct Surveyed {
  int status = 0;
  Json report;
  std::string error_text;
};

/// Runs the command in this process.
inline Surveyed runSurvey(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Surveyed result;
  result.status = survey(arguments);
  result.error_text = testing::internal::GetCapturedStderr();
  const std::string out = testing::internal::GetCapturedStdout();
  Result<Json> parsed = json::parse(out);
  if (parsed.ok()) result.report = *parsed;
  if (result.status == 0) {
    EXPECT_TRUE(parsed.ok()) << out;
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << "one line on stdout";
  }
  return result;
}

}  // namespace tutti::cli
