// The command as a whole, on folders made for it.
#include "tests/survey/survey_folder.hpp"

#include <sys/stat.h>

#include "server/cli/survey_git.hpp"
#include "server/cli/survey_scan.hpp"

namespace tutti::cli {
namespace {

const Json* entryNamed(const Json& list, const std::string& name) {
  for (const Json& entry : list)
    if (entry["name"] == name) return &entry;
  return nullptr;
}

TEST(SurveyTest, PlainFolderIsWalkedAndCounted) {
  const SurveyFolder folder;
  folder.write("src/a.cpp", "// hello\n\nint a;\n/* block\n still */\nint b; // TODO: tidy\n");
  folder.write("run", "#!/usr/bin/env -S python3.11 -u\n# FIXME later\nprint(1)");
  folder.write("node_modules/x/index.js", "x\n");
  folder.write("data.bin", std::string("a\0b", 3));
  folder.write("empty.txt", "");
  const Surveyed result = runSurvey({"--dir", folder.root().string(), "--top", "5"});
  ASSERT_EQ(result.status, 0) << result.error_text;
  const Json& report = result.report;
  EXPECT_EQ(report["path"], folder.root().string());
  EXPECT_FALSE(report["is_git"].get<bool>());
  EXPECT_EQ(report["files"], 4);
  EXPECT_EQ(report["binary_files"], 1);
  EXPECT_EQ(report["lines"], 9);
  EXPECT_EQ(report["blank_lines"], 1);
  EXPECT_EQ(report["comment_lines"], 5);
  EXPECT_EQ(report["code_lines"], 3);
  const Json* cpp = entryNamed(report["languages"], "C++");
  ASSERT_NE(cpp, nullptr);
  EXPECT_EQ((*cpp)["lines"], 6);
  EXPECT_EQ((*cpp)["code_lines"], 2);
  EXPECT_NE(entryNamed(report["languages"], "Python"), nullptr);
  EXPECT_EQ(entryNamed(report["languages"], "JavaScript"), nullptr);
  EXPECT_EQ(report["todos"]["count"], 2);
  EXPECT_EQ(report["todos"]["items"][0]["path"], "run");
  EXPECT_EQ(report["todos"]["items"][0]["line"], 2);
  EXPECT_EQ(report["todos"]["items"][1]["text"], "TODO: tidy");
  EXPECT_EQ(report["todos"]["items"][1]["line"], 6);
  EXPECT_TRUE(report["churn"].is_null());
  EXPECT_TRUE(report["branch"].is_null());
  EXPECT_FALSE(report["truncated"].get<bool>());
  EXPECT_EQ(report["notes"][0], "folders left out: node_modules");
  EXPECT_NE(result.error_text.find("survey: listing the files"), std::string::npos);
}

TEST(SurveyTest, CheckoutTellsBranchCommitAndChurn) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q", "-b", "trunk"}), 0);
  folder.write("a.c", "int a;\nint b;\n");
  folder.commitAll("first");
  folder.write("a.c", "int a;\nint c;\nint d;\n");
  folder.write(".gitignore", "ignored.c\n");
  folder.commitAll("second: \"quoted\"");
  folder.write("ignored.c", "int i;\n");
  folder.write("untracked.c", "int u;\n");
  Surveyed result = runSurvey({"--dir", folder.root().string()});
  ASSERT_EQ(result.status, 0) << result.error_text;
  const Json& report = result.report;
  EXPECT_TRUE(report["is_git"].get<bool>());
  EXPECT_EQ(report["branch"], "trunk");
  EXPECT_EQ(report["last_commit"]["subject"], "second: \"quoted\"");
  EXPECT_EQ(report["last_commit"]["author"], "Ann");
  EXPECT_EQ(report["last_commit"]["id"].get<std::string>().size(), 40U);
  EXPECT_EQ(report["files"], 2);
  EXPECT_EQ(report["churn"]["commits"], 2);
  EXPECT_EQ(report["churn"]["added"], 5);
  EXPECT_EQ(report["churn"]["deleted"], 1);
  EXPECT_EQ(json::dump(report["churn"]["files"][0]),
            R"({"added":4,"commits":2,"deleted":1,"path":"a.c"})");
  EXPECT_EQ(json::dump(report["churn"]["authors"]),
            R"([{"added":5,"commits":2,"deleted":1,"name":"Ann"}])");
  for (const char* flag : {"--include-untracked", "--include_untracked"})
    EXPECT_EQ(runSurvey({"--dir", folder.root().string(), flag}).report["files"], 3) << flag;
}

TEST(SurveyTest, SubfolderOfACheckoutIsSurveyedAlone) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  folder.write("top.c", "int a;\n");
  folder.write("sub/in.c", "int b;\nint c;\n");
  folder.commitAll("both");
  const Surveyed result = runSurvey({"--dir", (folder.root() / "sub").string()});
  ASSERT_EQ(result.status, 0) << result.error_text;
  EXPECT_EQ(result.report["files"], 1);
  EXPECT_EQ(result.report["largest_files"][0]["path"], "in.c");
  EXPECT_EQ(result.report["churn"]["added"], 2);
  EXPECT_EQ(result.report["churn"]["files"][0]["path"], "in.c");
}

TEST(SurveyTest, OddNamesAndRenamesArePassedOnWhole) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  folder.write("new\nline.c", "// TODO one\n");
  folder.write("caf\xE9.c", "// TODO two\n");
  folder.write("--dir", "text\n");
  folder.write("before.c", "int a;\nint b;\nint c;\n");
  folder.commitAll("odd");
  ASSERT_EQ(folder.git({"mv", "before.c", "after.c"}), 0);
  folder.commitAll("rename");
  const Surveyed result = runSurvey({"--dir=" + folder.root().string()});
  ASSERT_EQ(result.status, 0) << result.error_text;
  EXPECT_EQ(result.report["files"], 4);
  EXPECT_EQ(result.report["unreadable_files"], 0);
  EXPECT_EQ(result.report["todos"]["items"][0]["path"], "caf\xEF\xBF\xBD.c");
  EXPECT_EQ(result.report["todos"]["items"][1]["path"], "new\nline.c");
  std::vector<std::string> changed;
  for (const Json& entry : result.report["churn"]["files"])
    changed.push_back(entry["path"].get<std::string>());
  EXPECT_NE(std::find(changed.begin(), changed.end(), "after.c"), changed.end());
  EXPECT_NE(std::find(changed.begin(), changed.end(), "new\nline.c"), changed.end());
  EXPECT_EQ(result.report["churn"]["added"], 6);
}

TEST(SurveyTest, CheckoutWithoutCommitOrFilesIsWalked) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q", "-b", "trunk"}), 0);
  folder.write("a.c", "int a;\n");
  const Surveyed result = runSurvey({"--dir", folder.root().string()});
  ASSERT_EQ(result.status, 0) << result.error_text;
  EXPECT_TRUE(result.report["is_git"].get<bool>());
  EXPECT_EQ(result.report["branch"], "trunk");
  EXPECT_TRUE(result.report["last_commit"].is_null());
  EXPECT_TRUE(result.report["churn"].is_null());
  EXPECT_EQ(result.report["files"], 1);
}

TEST(SurveyTest, NothingACheckoutNamesIsExecuted) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  folder.write("a.c", "int a;\n");
  folder.write(".gitattributes", "*.c diff=evil\n");
  folder.commitAll("one");
  const std::string proof = (folder.root() / "proof").string();
  const std::string touch = "touch " + proof + "; cat";
  for (const char* key : {"core.fsmonitor", "diff.evil.textconv", "diff.evil.command",
                          "diff.external", "core.pager", "gpg.program"})
    ASSERT_EQ(folder.git({"config", key, touch}), 0);
  ASSERT_EQ(folder.git({"config", "log.showSignature", "true"}), 0);
  const Surveyed result = runSurvey({"--dir", folder.root().string()});
  ASSERT_EQ(result.status, 0) << result.error_text;
  EXPECT_EQ(result.report["churn"]["commits"], 1);
  EXPECT_FALSE(std::filesystem::exists(proof));
}

TEST(SurveyTest, LinksPipesAndMissingFilesHarmNothing) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  folder.write("gone.c", "int a;\n");
  folder.write("here.c", "int a;\n");
  std::filesystem::create_symlink("/etc/passwd", folder.root() / "link");
  folder.commitAll("one");
  std::filesystem::remove(folder.root() / "gone.c");
  std::filesystem::remove(folder.root() / "here.c");
  ASSERT_EQ(::mkfifo((folder.root() / "here.c").c_str(), 0600), 0);
  const Surveyed result = runSurvey({"--dir", folder.root().string()});
  ASSERT_EQ(result.status, 0) << result.error_text;
  EXPECT_EQ(result.report["files"], 1) << "the missing one; link and pipe are no files";
  EXPECT_EQ(result.report["unreadable_files"], 1);
}

TEST(SurveyTest, BadArgumentsAreNamedOnStderrWithStatusOne) {
  const SurveyFolder folder;
  folder.write("file", "x");
  const std::string file = (folder.root() / "file").string();
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{"--dir", "/no/such/place"}, "cannot survey '/no/such/place': No such file or directory"},
      {{"--dir", file}, "is no folder"},
      {{"--dir"}, "--dir has no value"},
      {{"--dir", ""}, "--dir is empty"},
      {{"--top", "0"}, "--top is '0', not a number from 1 to 1000"},
      {{"--top", "1001"}, "--top is '1001'"},
      {{"--days", "36501"}, "--days is '36501', not a number from 1 to 36500"},
      {{"--days", "1e3"}, "--days is '1e3'"},
      {{"--deep"}, "unknown option '--deep'"},
  };
  for (const auto& one : cases) {
    const Surveyed result = runSurvey(one.arguments);
    EXPECT_EQ(result.status, 1);
    EXPECT_TRUE(result.report.is_null()) << "stdout stays empty";
    EXPECT_NE(result.error_text.find(one.says), std::string::npos) << result.error_text;
  }
}

TEST(SurveyTest, FilesMaxCutsTheListOfAWalkAndOfGit) {
  const SurveyFolder folder;
  for (const char* name : {"a.c", "b.c", "c.c"}) folder.write(name, "int x;\n");
  SurveyOptions options;
  options.dir = folder.root().string();
  options.files_max = 3;
  EXPECT_FALSE(walkFolder(options).cut);
  EXPECT_EQ(walkFolder(options).files.size(), 3U);
  options.files_max = 2;
  EXPECT_TRUE(walkFolder(options).cut);
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  folder.commitAll("three");
  std::vector<std::string> files;
  ASSERT_TRUE(*listTracked(options, files));
  EXPECT_EQ(files, (std::vector<std::string>{"a.c", "b.c"}));
  options.files_max = 3;
  files.clear();
  ASSERT_FALSE(*listTracked(options, files));
}

TEST(SurveyTest, FileBytesMaxReadsTheBeginningOnly) {
  const SurveyFolder folder;
  folder.write("a.c", "int a;\nint b;\n");
  SurveyOptions options;
  options.dir = folder.root().string();
  const auto read = [&](std::size_t bytes_max) {
    options.file_bytes_max = bytes_max;
    return readFiles(options, {"a.c"}, [](std::size_t, std::size_t) {}).at(0);
  };
  EXPECT_FALSE(read(14).cut);
  EXPECT_EQ(read(14).counts.lines, 2);
  EXPECT_TRUE(read(13).cut);
  EXPECT_EQ(read(7).counts.lines, 1);
  EXPECT_EQ(read(7).bytes, 14);
}

TEST(SurveyTest, CommitsMaxCutsChurnAndSaysSo) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  for (const char* text : {"1\n", "2\n", "3\n"}) {
    folder.write("a.txt", text);
    folder.commitAll(text);
  }
  SurveyOptions options;
  options.dir = folder.root().string();
  options.commits_max = 3;
  SurveyReport whole;
  EXPECT_EQ(countChurn(options, {}, whole)->commits, 3);
  EXPECT_FALSE(whole.truncated);
  options.commits_max = 2;
  SurveyReport cut;
  EXPECT_EQ(countChurn(options, {}, cut)->commits, 2);
  EXPECT_TRUE(cut.truncated);
  EXPECT_NE(cut.notes.at(0).find("commits_max"), std::string::npos);
}

TEST(SurveyTest, GitThatTakesTooLongIsEnded) {
  const SurveyFolder folder;
  ASSERT_EQ(folder.git({"init", "-q"}), 0);
  folder.write("a.txt", "1\n");
  folder.commitAll("one");
  SurveyOptions options;
  options.dir = folder.root().string();
  options.git_time_max_ms = 0;
  SurveyReport report;
  countChurn(options, {}, report);
  EXPECT_TRUE(report.truncated);
  EXPECT_NE(report.notes.at(0).find("git log took longer"), std::string::npos);
}

}  // namespace
}  // namespace tutti::cli
