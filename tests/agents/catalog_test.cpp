// Which files become blueprints, which source wins, and how a change is seen.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "server/agents/blueprint.hpp"
#include "server/agents/start_plan.hpp"
#include "tests/agents/blueprint_folder.hpp"

namespace tutti::agents {
namespace {
namespace fs = std::filesystem;

BlueprintCatalog::Options only(const BlueprintFolder& folder) {
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  options.embedded = false;
  return options;
}

std::vector<std::string> names(BlueprintCatalog& catalog) {
  std::vector<std::string> all;
  for (const Blueprint& blueprint : catalog.list()) all.push_back(blueprint.name);
  return all;
}

std::string problemText(BlueprintCatalog& catalog) {
  catalog.list();
  std::string text;
  for (const BlueprintProblem& problem : catalog.problems())
    text += problem.source + ": " + problem.message + "\n";
  return text;
}

TEST(CatalogTest, ShippedBlueprintsAreKnownWithoutAnyFolder) {
  BlueprintCatalog catalog({});
  EXPECT_EQ(names(catalog), (std::vector<std::string>{"claude", "code-reviewer", "repo-survey",
                                                      "researcher", "route-judge"}));
  EXPECT_EQ(problemText(catalog), "");
  const auto survey = catalog.find("repo-survey");
  ASSERT_TRUE(survey.ok()) << survey.error().text();
  EXPECT_EQ(survey->type, BlueprintType::Procedural);
  EXPECT_EQ(survey->driver, "process");
  EXPECT_EQ(survey->command, (std::vector<std::string>{"tutti", "survey"}));
  EXPECT_EQ(survey->source, "embedded:blueprints/agents/repo-survey/agent.json");
  EXPECT_TRUE(survey->output_schema.is_object());
}

TEST(CatalogTest, UnknownNameOffersTheNearest) {
  BlueprintCatalog catalog({});
  const auto found = catalog.find("repo-servey");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), Code::NotFound);
  EXPECT_EQ(found.error().name(), "unknown_blueprint");
  EXPECT_EQ(found.error().message(), "unknown blueprint 'repo-servey'");
  EXPECT_EQ(found.error().hint(), "did you mean repo-survey? list_blueprints names the known ones");
}

TEST(CatalogTest, AddedChangedAndRemovedFilesAreSeenByTheNextCall) {
  const BlueprintFolder folder;
  BlueprintCatalog catalog(only(folder));
  EXPECT_EQ(names(catalog), std::vector<std::string>());
  for (int round = 0; round < 50; ++round) {
    const std::string model = "m" + std::to_string(round % 10);
    folder.agent("one", R"("model":")" + model + "\"");
    ASSERT_EQ(names(catalog), std::vector<std::string>{"one"}) << round;
    ASSERT_EQ(catalog.list()[0].model, model) << round;
    folder.write("agents/one/agent.system-prompt.md", "prompt " + model);
    ASSERT_EQ(catalog.list()[0].system_prompt, "prompt " + model) << round;
    folder.agent("two");
    ASSERT_EQ(names(catalog), (std::vector<std::string>{"one", "two"})) << round;
    folder.remove("agents/two");
    ASSERT_EQ(names(catalog), std::vector<std::string>{"one"}) << round;
  }
}

TEST(CatalogTest, FolderThatAppearsLaterIsRead) {
  const BlueprintFolder folder;
  BlueprintCatalog::Options options;
  options.folders = {folder / "later"};
  options.embedded = false;
  BlueprintCatalog catalog(options);
  EXPECT_NE(problemText(catalog).find("does not exist"), std::string::npos);
  folder.write("later/agents/one/agent.json", R"({"name":"one","description":"d"})");
  EXPECT_EQ(names(catalog), std::vector<std::string>{"one"});
  EXPECT_EQ(problemText(catalog), "");
}

TEST(CatalogTest, OneBadFileIsReportedAndHarmsNoOther) {
  const BlueprintFolder folder;
  folder.agent("good");
  folder.write("agents/bad/agent.json", "{");
  folder.write("agents/empty/README.md", "nothing here");
  BlueprintCatalog catalog(only(folder));
  EXPECT_EQ(names(catalog), std::vector<std::string>{"good"});
  const std::string problems = problemText(catalog);
  EXPECT_NE(problems.find("agents/bad/agent.json: not valid JSON at byte 1"), std::string::npos)
      << problems;
  EXPECT_NE(problems.find("agents/empty: the folder has no agent.json"), std::string::npos);
  const auto found = catalog.find("bad");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().name(), "bad_blueprint");
  EXPECT_EQ(found.error().code(), Code::InvalidArgument);
}

TEST(CatalogTest, BrokenFileIsNotReplacedByALaterSourceOfThatName) {
  const BlueprintFolder folder;
  folder.write("agents/claude/agent.json", R"({"name":"claude","description":7})");
  BlueprintCatalog::Options options;
  options.folders = {folder.root()};
  BlueprintCatalog catalog(options);
  const auto found = catalog.find("claude");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().name(), "bad_blueprint");
  EXPECT_NE(found.error().message().find("'description' must be a string"), std::string::npos);
}

TEST(CatalogTest, FirstSourceThatNamesABlueprintWins) {
  const BlueprintFolder first;
  const BlueprintFolder second;
  const BlueprintFolder project;
  first.agent("one", R"("model":"first")");
  second.agent("one", R"("model":"second")");
  second.agent("two", R"("model":"second")");
  project.write(".claude/agents/two.md", "---\nname: two\ndescription: d\nmodel: project\n---\n");
  project.write(".claude/agents/three.md",
                "---\nname: three\ndescription: d\nmodel: project\n---\n");
  const BlueprintFolder user;
  user.write("three.md", "---\nname: three\ndescription: d\nmodel: user\n---\n");
  user.write("claude.md", "---\nname: claude\ndescription: mine\nmodel: user\n---\n");
  BlueprintCatalog::Options options;
  options.folders = {first.root(), second.root()};
  options.claude_folders = {user.root()};
  BlueprintCatalog catalog(options);
  EXPECT_EQ(catalog.find("one", project.root())->model, "first");
  EXPECT_EQ(catalog.find("two", project.root())->model, "second");
  EXPECT_EQ(catalog.find("three", project.root())->model, "project");
  EXPECT_EQ(catalog.find("three")->model, "user");
  EXPECT_EQ(catalog.find("claude")->model, "user");
  project.write(".claude/agents/three.md", "---\nname: three\ndescription: d\nmodel: new\n---\n");
  EXPECT_EQ(catalog.find("three", project.root())->model, "new");
}

TEST(CatalogTest, APlanIsKeptWhileNoFileChanges) {
  const BlueprintFolder folder;
  folder.agent("one", R"("model":"first","parameters_schema":{"required":["a"]})");
  BlueprintCatalog catalog(only(folder));
  const auto first = catalog.plan("one");
  ASSERT_TRUE(first.ok()) << first.error().text();
  EXPECT_EQ((*first)->snapshot, json::dump(toJson(*catalog.find("one"))));
  EXPECT_FALSE((*first)->parameters.validate({{"prompt", "x"}}).empty());
  EXPECT_EQ(*catalog.plan("one"), *first);
  folder.agent("one", R"("model":"second")");
  const auto second = catalog.plan("one");
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)->blueprint.model, "second");
  EXPECT_TRUE((*second)->parameters.validate({{"prompt", "x"}}).empty());
  EXPECT_EQ((*first)->blueprint.model, "first");  // who has it keeps it
  EXPECT_EQ(catalog.plan("two").error().name(), "unknown_blueprint");
}

TEST(CatalogTest, CallsMadeTogetherSeeTheFilesAtTheirFirstLook) {
  const BlueprintFolder folder;
  const BlueprintFolder project;
  folder.agent("one", R"("model":"first")");
  project.write(".claude/agents/two.md", "---\nname: two\ndescription: d\nmodel: first\n---\n");
  BlueprintCatalog catalog(only(folder));
  EXPECT_EQ((*catalog.plan("one"))->blueprint.model, "first");
  catalog.hold();
  folder.agent("one", R"("model":"second")");
  EXPECT_EQ((*catalog.plan("one"))->blueprint.model, "second");
  EXPECT_EQ((*catalog.plan("two", project.root()))->blueprint.model, "first");
  folder.agent("one", R"("model":"third")");
  project.write(".claude/agents/two.md", "---\nname: two\ndescription: d\nmodel: third\n---\n");
  EXPECT_EQ((*catalog.plan("one"))->blueprint.model, "second");
  EXPECT_EQ((*catalog.plan("two", project.root()))->blueprint.model, "first");
  catalog.release();
  EXPECT_EQ((*catalog.plan("one"))->blueprint.model, "third");
  EXPECT_EQ((*catalog.plan("two", project.root()))->blueprint.model, "third");
}

TEST(CatalogTest, DisabledAgentIsListedAsInactiveAndNotFound) {
  const BlueprintFolder folder;
  folder.agent("one");
  folder.write("agents/one/.disabled", "");
  BlueprintCatalog catalog(only(folder));
  ASSERT_EQ(catalog.list().size(), 1U);
  EXPECT_FALSE(catalog.list()[0].active);
  const auto found = catalog.find("one");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), Code::Conflict);
  EXPECT_EQ(found.error().name(), "blueprint_inactive");
  folder.remove("agents/one/.disabled");
  EXPECT_TRUE(catalog.find("one").ok());
}

TEST(CatalogTest, AgentIsFoundByItsFoldersNameToo) {
  const BlueprintFolder folder;
  folder.write("agents/folder-name/agent.json", R"({"name":"real-name","description":"d"})");
  BlueprintCatalog catalog(only(folder));
  EXPECT_EQ(names(catalog), std::vector<std::string>{"real-name"});
  EXPECT_EQ(catalog.find("folder-name")->name, "real-name");
  EXPECT_EQ(catalog.find("real-name")->name, "real-name");
}

TEST(CatalogTest, SameNameTwiceInOneFolderIsAProblemOfTheSecond) {
  const BlueprintFolder folder;
  folder.write("agents/a/agent.json", R"({"name":"same","description":"d","model":"a"})");
  folder.write("agents/b/agent.json", R"({"name":"same","description":"d","model":"b"})");
  BlueprintCatalog catalog(only(folder));
  EXPECT_EQ(names(catalog), std::vector<std::string>{"same"});
  EXPECT_EQ(catalog.find("same")->model, "a");
  EXPECT_NE(problemText(catalog).find("'same' is already the name in"), std::string::npos);
}

TEST(CatalogTest, LinksOutOfTheFolderAreRefused) {
  const BlueprintFolder outside;
  outside.write("agent.json", R"({"name":"evil","description":"d"})");
  outside.write("evil.md", "---\nname: evil-md\ndescription: d\n---\n");
  const BlueprintFolder folder;
  folder.agent("good");
  fs::create_directory_symlink(outside.root(), folder / "agents/evil");
  fs::create_directories(folder / "agents/evil2");
  fs::create_symlink(outside / "agent.json", folder / "agents/evil2/agent.json");
  fs::create_directory_symlink(folder / "agents/good", folder / "agents/inside");
  folder.write("md/x.md", "---\nname: fine\ndescription: d\n---\n");
  fs::create_symlink(outside / "evil.md", folder / "md/evil.md");
  fs::create_directory_symlink(folder / "md", folder / "md/round");
  BlueprintCatalog::Options options = only(folder);
  options.claude_folders = {folder / "md"};
  BlueprintCatalog catalog(options);
  EXPECT_EQ(names(catalog), (std::vector<std::string>{"fine", "good"}));
  const std::string problems = problemText(catalog);
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 5) << problems;
  EXPECT_NE(problems.find("agents/evil: this link leads out of"), std::string::npos) << problems;
  EXPECT_NE(problems.find("agents/evil2/agent.json: this link leads out of"), std::string::npos);
  EXPECT_NE(problems.find("md/evil.md: this link leads out of"), std::string::npos);
}

TEST(CatalogTest, FilesThatAreNoFilesOrTooLargeAreProblems) {
  const BlueprintFolder folder;
  fs::create_directories(folder / "agents/pipe");
  ASSERT_EQ(::mkfifo((folder / "agents/pipe/agent.json").c_str(), 0600), 0);
  fs::create_directories(folder / "agents/dir/agent.json");
  folder.agent("large", R"("x-text":")" + std::string(2000, 'x') + "\"");
  folder.agent("at-the-limit");
  BlueprintCatalog::Options options = only(folder);
  options.file_bytes_max = fs::file_size(folder / "agents/at-the-limit/agent.json");
  BlueprintCatalog catalog(options);
  EXPECT_EQ(names(catalog), std::vector<std::string>{"at-the-limit"});
  const std::string problems = problemText(catalog);
  EXPECT_NE(problems.find("pipe/agent.json: this is no regular file"), std::string::npos);
  EXPECT_NE(problems.find("dir/agent.json: this is no regular file"), std::string::npos);
  EXPECT_NE(problems.find("is larger than"), std::string::npos) << problems;
}

TEST(CatalogTest, BlueprintsMaxCutsTheListAndSaysSo) {
  const BlueprintFolder folder;
  for (const char* name : {"a", "b", "c"}) folder.agent(name);
  BlueprintCatalog::Options options = only(folder);
  options.blueprints_max = 3;
  BlueprintCatalog whole(options);
  EXPECT_EQ(problemText(whole), "");
  options.blueprints_max = 2;
  BlueprintCatalog cut(options);
  EXPECT_EQ(names(cut), (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(problemText(cut).find("blueprints_max"), std::string::npos);
}

TEST(CatalogTest, NestedMarkdownIsFoundAndReadmeIsNot) {
  const BlueprintFolder folder;
  folder.write("team/deep/one.md", "---\nname: one\ndescription: d\n---\nbody");
  folder.write("README.md", "about");
  folder.write("notes.md", "no front matter");
  BlueprintCatalog::Options options;
  options.claude_folders = {folder.root()};
  options.embedded = false;
  BlueprintCatalog catalog(options);
  EXPECT_EQ(names(catalog), std::vector<std::string>{"one"});
  const std::string problems = problemText(catalog);
  EXPECT_NE(problems.find("notes.md: the file does not begin with front matter"),
            std::string::npos);
  EXPECT_EQ(problems.find("README"), std::string::npos);
}

TEST(CatalogTest, LookAtUnchangedFilesIsCheap) {
  const BlueprintFolder folder;
  for (int i = 0; i < 25; ++i) {
    const std::string name = "agent" + std::to_string(i);
    folder.agent(name);
    folder.write("agents/" + name + "/agent.system-prompt.md", "prompt");
  }
  // Stamps of a minute ago are trusted at once. Only the kernel sets ctime, so wait until it is
  // old.
  const auto written = std::chrono::steady_clock::now();
  BlueprintCatalog catalog(only(folder));
  while (std::chrono::steady_clock::now() - written < std::chrono::milliseconds(60)) catalog.list();
  constexpr int kLooks = 200;
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < kLooks; ++i) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(catalog.list().size(), 25U);
    best = std::min(best, std::chrono::steady_clock::now() - start);
  }
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(best).count();
  RecordProperty("look_us", static_cast<int>(us));
  std::printf("look at 50 unchanged files: %d us\n", static_cast<int>(us));
  EXPECT_LT(us, 2000) << "an order of magnitude above what is measured";
}

}  // namespace
}  // namespace tutti::agents
