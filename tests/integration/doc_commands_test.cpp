// `tutti doc …`: what a slip at the command line must not do.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

namespace fs = std::filesystem;

void pushNotes(const TempFolder& folder) {
  const Ran pushed = runTutti(folder, {"doc", "push", folder.write("notes.md", "kept\n").string()});
  ASSERT_EQ(pushed.status, 0) << pushed.err;
}

TEST(DocCommandsTest, WithoutATemporaryFolderAnEditHarmsNoFileOfThatName) {
  TempFolder folder;
  pushNotes(folder);
  const fs::path mine = folder.write("notes.md", "mine\n");
  for (const char* place : {"TMPDIR=/proc", "TMPDIR=/nowhere/at/all"}) {
    const Ran edited = runTutti(folder, {"doc", "edit", "notes.md"}, {"EDITOR=true", place});
    EXPECT_EQ(edited.status, 1) << place << edited.err;
    EXPECT_NE(edited.err.find("set TMPDIR"), std::string::npos) << place << edited.err;
  }
  std::ifstream in(mine);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "mine\n");
}

TEST(DocCommandsTest, AnEditThatDoesNotSayWhatComesInTheTextsPlaceChangesNothing) {
  TempFolder folder;
  pushNotes(folder);
  for (const char* place : {"--old=kept", "--offset=1"}) {
    const Ran edited = runTutti(folder, {"doc", "edit", "notes.md", place});
    EXPECT_EQ(edited.status, 2) << place << edited.err;
    EXPECT_NE(edited.err.find("--new"), std::string::npos) << place << edited.err;
  }
  EXPECT_EQ(runTutti(folder, {"doc", "cat", "notes.md"}).out, "kept\n");
  const Ran removed = runTutti(folder, {"doc", "edit", "notes.md", "--old", "kept", "--new", ""});
  EXPECT_EQ(removed.status, 0) << removed.err;
  EXPECT_EQ(runTutti(folder, {"doc", "cat", "notes.md"}).out, "\n");
}

TEST(DocCommandsTest, AVersionThatIsNoneIsRefused) {
  TempFolder folder;
  pushNotes(folder);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"doc", "restore", "notes.md", "0"},
        std::vector<std::string>{"doc", "diff", "notes.md", "0"},
        std::vector<std::string>{"doc", "cat", "notes.md", "--version", "0"},
        std::vector<std::string>{"doc", "pull", "notes.md", "-f", "--version", "-1"}})
    EXPECT_EQ(runTutti(folder, words).status, 2) << words[1];
}

TEST(DocCommandsTest, APartitionIsMadeUsedListedAndDeleted) {
  TempFolder folder;
  const std::string note = folder.write("note.md", "kept\n").string();
  const Ran none = runTutti(folder, {"doc", "push", note, "--partition", "team"});
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.err.find("Partition not found: team"), std::string::npos) << none.err;
  EXPECT_NE(none.err.find("create it"), std::string::npos) << none.err;
  const Ran made = runTutti(folder, {"doc", "partition", "add", "team", "--description", "ours"});
  EXPECT_EQ(made.status, 0) << made.err;
  const Ran again = runTutti(folder, {"doc", "partition", "add", "team"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("choose another name"), std::string::npos) << again.err;
  const Ran bad = runTutti(folder, {"doc", "partition", "add", "no good"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.err.find("choose another name"), std::string::npos) << bad.err;
  EXPECT_EQ(runTutti(folder, {"doc", "push", note, "--partition", "team"}).status, 0);
  EXPECT_EQ(runTutti(folder, {"doc", "cat", "note.md", "--partition", "team"}).out, "kept\n");
  const Json listed = Json::parse(runTutti(folder, {"doc", "partition", "ls", "--json"}).out);
  ASSERT_EQ(listed.size(), 1U) << listed;
  EXPECT_EQ(listed[0].value("name", ""), "team");
  EXPECT_EQ(listed[0].value("description", ""), "ours");
  EXPECT_EQ(runTutti(folder, {"doc", "partition", "rm", "team"}).out,
            "team: 1 documents deleted\n");
  const Ran gone = runTutti(folder, {"doc", "partition", "rm", "team"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_NE(gone.err.find("list the partitions"), std::string::npos) << gone.err;
  EXPECT_EQ(runTutti(folder, {"doc", "partition", "rm", "_global"}).status, 1);
  EXPECT_EQ(runTutti(folder, {"doc", "partition", "ls"}).out, "no partitions\n");
}

}  // namespace
}  // namespace tutti::test
