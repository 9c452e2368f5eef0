// The context store's limits and retention, as the command line and the environment give them; and
// what `tutti doctor` says of an index that is wrong.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

Options with(std::vector<std::string> more, std::vector<std::string> environment = {}) {
  more.insert(more.begin(), "stdio");
  return {.arguments = std::move(more), .environment = std::move(environment)};
}

std::string push(TuttiProcess& tutti, const std::string& content) {
  const Json made = tutti.call("doc_push", {{"name", "a.txt"}, {"content", content}});
  EXPECT_TRUE(made.contains("id")) << made;
  return made.value("id", "");
}
void write(TuttiProcess& tutti, const std::string& id, const std::string& content) {
  const Json written = tutti.call("doc_write", {{"document_id", id}, {"content", content}});
  EXPECT_TRUE(written.contains("version")) << written;
}
std::size_t versionsOf(TuttiProcess& tutti, const std::string& id) {
  return tutti.call("doc_info", {{"document_id", id}, {"versions", true}})["versions"].size();
}

TEST(DocumentOptionsTest, VersionsGoByTheirSize) {
  const TempFolder folder;
  TuttiProcess tutti(folder, with({"--toolsets", "all", "--document-versions-bytes", "1KB"}));
  const std::string id = push(tutti, std::string(400, 'a'));
  write(tutti, id, std::string(400, 'b'));
  EXPECT_EQ(versionsOf(tutti, id), 2U);
  write(tutti, id, std::string(400, 'c'));
  EXPECT_EQ(versionsOf(tutti, id), 2U);
}

TEST(DocumentOptionsTest, VersionsGoByTheirAge) {
  const TempFolder folder;
  TuttiProcess tutti(folder, with({"--toolsets", "all", "--document-versions-age", "1s"}));
  const std::string id = push(tutti, "0");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::size_t written = 1;
  // Each write removes what is older than a second by then.
  while (std::chrono::steady_clock::now() < deadline && versionsOf(tutti, id) == written) {
    write(tutti, id, std::to_string(written++));
    ::usleep(50'000);
  }
  EXPECT_LT(versionsOf(tutti, id), written);
}

TEST(DocumentOptionsTest, LimitsComeFromTheCommandLineAndTheEnvironment) {
  const TempFolder folder;
  TuttiProcess tutti(folder, with({"--document-bytes", "1KB"}, {"TUTTI_DOCUMENT_TAGS=1"}));
  EXPECT_EQ(tutti.call("doc_push",
                       {{"name", "a"}, {"content", std::string(2'000, 'a')}})["error"]["name"],
            "document_bytes_max");
  EXPECT_EQ(tutti.call("doc_push",
                       {{"name", "a"}, {"content", "a"}, {"tags", {"t", "u"}}})["error"]["name"],
            "tags_max");
  EXPECT_NE(push(tutti, "small"), "");
}

TEST(DocumentOptionsTest, ValuesOutOfRangeOrWithoutSenseAreRefused) {
  const TempFolder folder;
  for (const auto& [option, value] :
       std::vector<std::pair<std::string, std::string>>{{"--document-bytes", "0"},
                                                        {"--document-versions-age", "3x"},
                                                        {"--document-versions-bytes", "-1"},
                                                        {"--document-tags", "65"}}) {
    const Ran ran = runTutti(folder, {"doc", "ls", option, value});
    EXPECT_EQ(ran.status, 2) << option;
    EXPECT_NE(ran.err.find(option), std::string::npos) << ran.err;
  }
  const Ran help = runTutti(folder, {"--help"});
  EXPECT_NE(help.out.find("--document-versions-age TIME"), std::string::npos) << help.out;
}

void runSql(const TempFolder& folder, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "data" / "tutti.db").c_str(), &db), SQLITE_OK);
  char* problem = nullptr;
  EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, &problem), SQLITE_OK) << problem;
  sqlite3_close(db);
}

/// The file's header says how many steps of the schema it has had.
void countStepsAnew(const TempFolder& folder) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "data" / "tutti.db").c_str(), &db), SQLITE_OK);
  sqlite3_stmt* count = nullptr;
  sqlite3_prepare_v2(db, "SELECT count(*) FROM schema_migrations", -1, &count, nullptr);
  ASSERT_EQ(sqlite3_step(count), SQLITE_ROW);
  const std::string steps = std::to_string(sqlite3_column_int(count, 0));
  sqlite3_finalize(count);
  sqlite3_close(db);
  runSql(folder, ("PRAGMA user_version = " + steps).c_str());
}

TEST(DocumentOptionsTest, OfAnOlderStoreTheDoctorSaysWhatItLacksAndLeavesItSo) {
  const TempFolder folder;
  const auto note = folder.write("note.md", "kept");
  ASSERT_EQ(runTutti(folder, {"doc", "push", note.string()}).status, 0);
  // As it was before the last step of the documents' schema.
  runSql(folder,
         "DROP TRIGGER document_versions_supersede; DROP TRIGGER document_versions_gone;"
         "DROP TABLE document_versions_superseded;"
         "DELETE FROM schema_migrations WHERE number = 304;");
  ASSERT_NO_FATAL_FAILURE(countStepsAnew(folder));
  for (int again = 0; again < 2; ++again) {
    const Ran told = runTutti(folder, {"doctor"});
    EXPECT_EQ(told.status, 1) << told.err;
    EXPECT_NE(told.out.find("304 superseded versions"), std::string::npos) << told.out;
    EXPECT_NE(told.out.find("tutti doctor --fix"), std::string::npos) << told.out;
  }
  const Json listed = Json::parse(runTutti(folder, {"doctor", "--json"}).out);
  EXPECT_EQ(listed["outstanding"], Json({{{"number", 304}, {"name", "superseded versions"}}}));
  const Ran fixed = runTutti(folder, {"doctor", "--fix"});
  EXPECT_EQ(fixed.status, 0) << fixed.out << fixed.err;
  EXPECT_NE(fixed.out.find("1 documents, 1 versions"), std::string::npos) << fixed.out;
  EXPECT_EQ(runTutti(folder, {"doctor"}).status, 0);
}

TEST(DocumentOptionsTest, TheDoctorFindsAnIndexThatIsWrongAndHasItMadeAnew) {
  const TempFolder folder;
  const Json query = {{"query", "needle"}};
  {
    TuttiProcess tutti(folder, with({"--toolsets", "all"}));
    push(tutti, "thread and needle");
    ASSERT_EQ(tutti.call("doc_search", query)["results"].size(), 1U);
    tutti.closeInput();
    tutti.wait();
  }
  EXPECT_EQ(runTutti(folder, {"doctor"}).status, 0);
  runSql(folder, "DELETE FROM search_documents");
  const Ran found = runTutti(folder, {"doctor", "--json"});
  EXPECT_EQ(found.status, 1);
  const Json said = Json::parse(found.out);
  EXPECT_EQ(said["findings"][0].value("name", ""), "document_not_indexed") << said;
  EXPECT_EQ(said["findings"][0].value("kind", ""), "index");
  EXPECT_EQ(runTutti(folder, {"doctor", "--fix"}).status, 0);
  EXPECT_EQ(runTutti(folder, {"doctor"}).status, 0);
  TuttiProcess tutti(folder, with({"--toolsets", "all"}));
  EXPECT_EQ(tutti.call("doc_search", query)["results"].size(), 1U);
  const Json healed = Json::parse(runTutti(folder, {"doctor", "--json"}).out);
  EXPECT_EQ(healed["findings_count"], 0) << healed;
  EXPECT_EQ(healed["index"],
            Json({{"documents", 1}, {"sections", 1}, {"vectors", 0}, {"waiting", 0}}));
}

}  // namespace
}  // namespace tutti::test
