// AOF's contract for documents and partitions, route by route and error by error.
#include <gtest/gtest.h>

#include <regex>

#include "tests/rest/documents_server.hpp"

namespace tutti::rest {
namespace {

class DocumentsContractTest : public ::testing::Test {
 protected:
  DocumentsServer server;
};

TEST_F(DocumentsContractTest, APlaceholderHasEveryMemberAndNoContent) {
  const Told made = server.sendJson(
      "POST", "/documents",
      {{"filename", "plan.md"}, {"tags", {"b", "a"}}, {"metadata", {{"description", "d"}}}});
  ASSERT_EQ(made.status, 201) << made.body;
  const Json& json = made.json;
  const std::string id = made.text("id");
  EXPECT_TRUE(std::regex_match(id, std::regex("doc_[0-9a-f]{24}"))) << id;
  EXPECT_EQ(json["filename"], "plan.md");
  EXPECT_EQ(json["content_type"], "text/markdown");
  EXPECT_EQ(json["size_bytes"], 0);
  EXPECT_TRUE(json["checksum"].is_null());
  EXPECT_EQ(json["tags"], Json({"a", "b"}));
  EXPECT_EQ(json["metadata"]["description"], "d");
  EXPECT_EQ(json["url"], "http://localhost:8766/documents/" + id);
  EXPECT_TRUE(json["relations"].is_null());
  EXPECT_TRUE(json["partition"].is_null());
  EXPECT_EQ(json["version"], 0);
  const Told content = server.get("/documents/" + id);
  EXPECT_EQ(content.status, 200);
  EXPECT_EQ(content.header("Content-Length"), "0");
}

TEST_F(DocumentsContractTest, APlaceholdersTypeComesFromItsName) {
  const std::pair<const char*, const char*> kTypes[] = {
      {"a.md", "text/markdown"},        {"a.markdown", "text/markdown"},  {"a.yaml", "text/yaml"},
      {"a.yml", "text/yaml"},           {"a.json", "application/json"},   {"a.log", "text/plain"},
      {"a.jsonl", "application/jsonl"}, {"a.toml", "application/toml"},   {"a.ini", "text/plain"},
      {"a.conf", "text/plain"},         {"a.png", "image/png"},           {"a.html", "text/html"},
      {"a.pdf", "application/pdf"},     {"a", "application/octet-stream"}};
  for (const auto& [name, type] : kTypes)
    EXPECT_EQ(server.sendJson("POST", "/documents", {{"filename", name}}).json["content_type"],
              type)
        << name;
}

TEST_F(DocumentsContractTest, APlaceholdersErrorsAreAofs) {
  const auto detail = [this](const std::string& body) {
    const Told told =
        server.ask("POST", "/documents", body, {{"Content-Type", "application/json"}});
    EXPECT_EQ(told.status, 400) << body;
    return told.detail();
  };
  EXPECT_EQ(detail("{"), quote("Invalid JSON body"));
  EXPECT_EQ(detail("[]"), quote("Invalid JSON body"));
  EXPECT_EQ(detail("{}"), quote("filename is required"));
  EXPECT_EQ(detail(R"({"filename":5})"), quote("filename must be a string"));
  const Told otherwise_written = server.ask("POST", "/documents", R"({"filename":5})",
                                            {{"Content-Type", "Application/JSON; charset=utf-8"}});
  EXPECT_EQ(otherwise_written.detail(), quote("filename must be a string"));
  EXPECT_EQ(detail(R"({"filename":"a","tags":"x"})"), quote("tags must be a list"));
  EXPECT_EQ(detail(R"({"filename":"a","metadata":[]})"), quote("metadata must be an object"));
  EXPECT_NE(detail(R"({"filename":"a","metadata":{"k":5}})").find("'k'"), std::string::npos);
  EXPECT_NE(detail(R"({"filename":"../a"})"), "");
  EXPECT_NE(detail(R"({"filename":"a\nb"})"), "");
  EXPECT_EQ(server.get("/documents").json, Json::array()) << "nothing half-made";
}

TEST_F(DocumentsContractTest, AnUploadIsReadBackAsItWas) {
  const Told made = server.push(
      "a b.md", "h\xC3\xA9llo", "text/x-own; charset=utf-8",
      {{"tags", " one, ,two,"}, {"metadata", R"({"description":"d"})"}, {"unknown", "ignored"}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json["filename"], "a b.md");
  EXPECT_EQ(made.json["content_type"], "text/x-own; charset=utf-8");
  EXPECT_EQ(made.json["size_bytes"], 6);
  EXPECT_EQ(made.json["tags"], Json({"one", "two"}));
  EXPECT_EQ(made.json["metadata"], Json({{"description", "d"}}));
  EXPECT_EQ(made.json["checksum"],
            "3c48591d8d098a4538f5e013dfcf406e948eac4d3277b10bf614e295d6068179");
  const Told read = server.get("/documents/" + made.json.value("id", ""));
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, "h\xC3\xA9llo");
  EXPECT_EQ(read.header("Content-Type"), "text/x-own; charset=utf-8");
  EXPECT_EQ(read.header("Content-Disposition"), "attachment; filename=\"a b.md\"");
  EXPECT_EQ(read.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(read.header("Content-Length"), "6");
  EXPECT_NE(read.header("Last-Modified"), "");
  EXPECT_NE(read.header("ETag"), "");
}

TEST_F(DocumentsContractTest, AnUploadWithoutATypeOrANameGetsThem) {
  EXPECT_EQ(server.push("a.yaml", "x", "").json["content_type"], "text/yaml");
  EXPECT_EQ(server.push("", "x", "").json["filename"], "unknown");
  const std::string none = "application/octet-stream";  // as curl says it of a.md too
  EXPECT_EQ(server.push("a.md", "x", none).json["content_type"], "text/markdown");
  EXPECT_EQ(server.push("a.bin", "x", none).json["content_type"], none);
}

TEST_F(DocumentsContractTest, AnUploadsErrorsAreAofs) {
  const auto detail = [this](const std::string& body, const std::string& type) {
    const Told told = server.ask("POST", "/documents", body, {{"Content-Type", type}});
    EXPECT_EQ(told.status, 400) << body;
    return told.detail();
  };
  const std::string multipart = "multipart/form-data; boundary=XX";
  EXPECT_EQ(detail("x", "text/plain"), quote("file is required"));
  EXPECT_EQ(detail("file=x", "application/x-www-form-urlencoded"), quote("file is required"));
  EXPECT_EQ(detail("--XX--\r\n", multipart), quote("file is required"));
  EXPECT_EQ(
      detail("--XX\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--XX--\r\n", multipart),
      quote("file is required"));
  EXPECT_EQ(detail("x", "multipart/form-data"), quote("Missing boundary in multipart."));
  EXPECT_EQ(detail(DocumentsServer::form("a", "x", "", {{"metadata", "{"}}), multipart),
            quote("Invalid JSON in metadata parameter"));
  EXPECT_NE(detail(DocumentsServer::form("a", "x", "", {{"metadata", R"({"k":1})"}}), multipart)
                .find("'k'"),
            std::string::npos);
  EXPECT_EQ(server.get("/documents").json, Json::array()) << "nothing half-made";
}

TEST_F(DocumentsContractTest, ListsAreFilteredPagedAndOrderedByAge) {
  server.push("Report_1.md", "x", "", {{"tags", "a,b"}});
  server.push("report-2.md", "x", "", {{"tags", "a"}});
  server.push("other.txt", "x", "", {{"tags", "b"}});
  const auto names = [this](const std::string& query) {
    std::string all;
    for (const Json& document : server.get("/documents" + query).json)
      all += document.value("filename", "?") + " ";
    return all;
  };
  EXPECT_EQ(names(""), "Report_1.md report-2.md other.txt ");
  EXPECT_EQ(names("?filename=report"), "Report_1.md report-2.md ");
  EXPECT_EQ(names("?filename=t_1"), "Report_1.md ") << "_ is no wildcard";
  EXPECT_EQ(names("?filename=%25"), "") << "nor is %";
  EXPECT_EQ(names("?tags=a"), "Report_1.md report-2.md ");
  EXPECT_EQ(names("?tags=a,%20b"), "Report_1.md ");
  EXPECT_EQ(names("?limit=1"), "Report_1.md ");
  EXPECT_EQ(names("?limit=1&offset=1"), "report-2.md ");
  EXPECT_EQ(names("?limit=0"), "");
  EXPECT_EQ(names("?order=name&direction=desc&limit=2"), "report-2.md other.txt ");
}

TEST_F(DocumentsContractTest, ListsGoOnByCursor) {
  for (const char* name : {"a", "b", "c"}) server.push(name, "x");
  const Told first = server.get("/documents?limit=2");
  EXPECT_EQ(first.json.size(), 2U);
  ASSERT_NE(first.header("X-Next-Cursor"), "");
  const Told rest = server.get("/documents?limit=2&after=" + first.header("X-Next-Cursor"));
  ASSERT_EQ(rest.json.size(), 1U) << rest.body;
  EXPECT_EQ(rest.json[0]["filename"], "c");
  EXPECT_EQ(rest.header("X-Next-Cursor"), "");
}

TEST_F(DocumentsContractTest, ListsWithWrongNumbersAre422) {
  const Told told = server.get("/documents?limit=x&include_relations=maybe");
  EXPECT_EQ(told.status, 422);
  EXPECT_EQ(told.json["detail"][0]["type"], "int_parsing");
  EXPECT_EQ(told.json["detail"][0]["loc"], Json({"query", "limit"}));
  EXPECT_EQ(told.json["detail"][1]["type"], "bool_parsing");
}

TEST_F(DocumentsContractTest, WhatIsNotThereIs404OnEveryRoute) {
  const std::string missing = "/documents/doc_000000000000000000000000";
  for (const std::string& target :
       {missing, missing + "/metadata", missing + "/relations", missing + "?offset=1",
        missing + "/versions", missing + "/diff", std::string("/documents/%2e%2e%2fetc")}) {
    const Told told = server.get(target);
    EXPECT_EQ(told.status, 404) << target;
    EXPECT_EQ(told.detail(), quote("Document not found")) << target;
  }
  EXPECT_EQ(server.ask("DELETE", missing).detail(), quote("Document not found"));
  EXPECT_EQ(server.ask("PUT", missing + "/content", "x").detail(), quote("Document not found"));
  EXPECT_EQ(server.sendJson("PATCH", missing + "/content", {{"new_string", "x"}}).detail(),
            quote("Document not found"));
}

TEST(DocumentsContract, WhatIsRefusedBeforeARouteHasADetailToo) {
  transport::HttpOptions options;
  options.token = "s3cret";
  DocumentsServer server(options);
  const Told unknown = server.get("/docs");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.detail(), quote("Not Found")) << unknown.body;
  const Told without_token = server.get("/documents");
  EXPECT_EQ(without_token.status, 401);
  EXPECT_NE(without_token.detail().find("Bearer TOKEN"), std::string::npos) << without_token.body;
  const Told other_host = server.ask("GET", "/documents", "", {{"Origin", "http://evil.example"}});
  EXPECT_EQ(other_host.status, 403);
  EXPECT_NE(other_host.detail(), "") << other_host.body;
}

TEST_F(DocumentsContractTest, PathsAndMethodsThatAreNoRoutesAreFastApis) {
  EXPECT_EQ(server.get("/documents/a/b").detail(), quote("Not Found"));
  EXPECT_EQ(server.get("/partitions/a/b").status, 404);
  const Told told = server.ask("DELETE", "/documents");
  EXPECT_EQ(told.status, 405);
  EXPECT_EQ(told.detail(), quote("Method Not Allowed"));
  EXPECT_EQ(told.header("Allow"), "GET, POST");
  const Told moved = server.get("/documents/?limit=1");
  EXPECT_EQ(moved.status, 307);
  EXPECT_EQ(moved.header("Location"), "/documents?limit=1");
}

TEST_F(DocumentsContractTest, PutReplacesTheContentAndNotTheType) {
  const std::string id = server.pushed("a.md", "one");
  const Told put =
      server.ask("PUT", "/documents/" + id + "/content", "three", {{"Content-Type", "image/png"}});
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json["size_bytes"], 5);
  EXPECT_EQ(put.json["content_type"], "text/markdown");
  EXPECT_EQ(put.json["version"], 2);
  EXPECT_EQ(server.get("/documents/" + id).body, "three");
}

TEST_F(DocumentsContractTest, EditsCountCharactersAndSayWhatTheyDid) {
  const std::string id = server.pushed("a.md", "h\xC3\xA9llo h\xC3\xA9llo");
  const std::string content = "/documents/" + id + "/content";
  Told told =
      server.sendJson("PATCH", content, {{"new_string", "X"}, {"offset", 1}, {"length", 1}});
  ASSERT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(told.json["edit_range"], Json({{"offset", 1}, {"old_length", 1}, {"new_length", 1}}));
  EXPECT_FALSE(told.json.contains("relations"));
  EXPECT_FALSE(told.json.contains("partition"));
  EXPECT_EQ(server.get("/documents/" + id).body, "hXllo h\xC3\xA9llo");
  told = server.sendJson("PATCH", content,
                         {{"old_string", "l"}, {"new_string", ""}, {"replace_all", true}});
  EXPECT_EQ(told.json["replacements_made"], 4);
  EXPECT_EQ(server.get("/documents/" + id).body, "hXo h\xC3\xA9o");
}

TEST_F(DocumentsContractTest, EditsErrorsAreAofs) {
  const std::string id = server.pushed("a.md", "aa b");
  const std::string binary = server.pushed("a.png", "x", "image/png");
  const auto detail = [this](const std::string& of, const std::string& body) {
    const Told told = server.ask("PATCH", "/documents/" + of + "/content", body,
                                 {{"Content-Type", "application/json"}});
    EXPECT_EQ(told.status, 400) << body;
    return told.detail();
  };
  EXPECT_EQ(detail(id, "{"), quote("Invalid JSON body"));
  EXPECT_EQ(detail(id, R"({"old_string":"a"})"), quote("new_string is required"));
  EXPECT_EQ(detail(binary, R"({"old_string":"a","new_string":""})"),
            quote("Edit only supported for text content types (got: image/png)"));
  EXPECT_EQ(detail(id, R"({"old_string":"a","offset":0,"new_string":""})"),
            quote("Cannot mix old_string and offset modes"));
  EXPECT_EQ(detail(id, R"({"new_string":""})"), quote("Must provide old_string or offset"));
  EXPECT_EQ(detail(id, R"({"old_string":"z","new_string":""})"),
            quote("old_string not found in document"));
  EXPECT_EQ(detail(id, R"({"old_string":"a","new_string":""})"),
            quote("old_string matches 2 times; use replace_all=true or provide more context"));
  EXPECT_EQ(detail(id, R"({"offset":-1,"new_string":""})"), quote("offset must be non-negative"));
  EXPECT_EQ(detail(id, R"({"offset":9,"new_string":""})"),
            quote("offset 9 exceeds document length 4"));
  EXPECT_EQ(detail(id, R"({"offset":2,"length":9,"new_string":""})"),
            quote("range exceeds document length (offset=2, length=9, doc_length=4)"));
  EXPECT_NE(detail(id, R"({"offset":"x","new_string":""})").find("offset"), std::string::npos);
  EXPECT_EQ(server.get("/documents/" + id).body, "aa b");
}

TEST_F(DocumentsContractTest, DeletingSaysHowMany) {
  const std::string id = server.pushed("a.md", "x");
  const Told told = server.ask("DELETE", "/documents/" + id);
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.json, Json({{"success", true},
                             {"message", "Deleted 1 document(s)"},
                             {"deleted_document_ids", {id}}}));
  EXPECT_EQ(server.get("/documents/" + id).status, 404);
}

TEST_F(DocumentsContractTest, PartitionsAreMadeListedAndDeleted) {
  const Told made =
      server.sendJson("POST", "/partitions", {{"name", "mine"}, {"description", "d"}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json["name"], "mine");
  EXPECT_EQ(made.json["description"], "d");
  EXPECT_TRUE(made.json.contains("created_at"));
  EXPECT_EQ(server.sendJson("POST", "/partitions", {{"name", "mine"}}).status, 409);
  EXPECT_EQ(server.sendJson("POST", "/partitions", {{"name", "mine"}}).detail(),
            quote("Partition already exists: mine"));
  const Json listed = server.get("/partitions").json;
  ASSERT_EQ(listed["partitions"].size(), 1U) << "_global is hidden";
  EXPECT_EQ(listed["partitions"][0]["name"], "mine");
  server.push("a.md", "x", "", {}, "/partitions/mine/documents");
  const Told deleted = server.ask("DELETE", "/partitions/mine");
  EXPECT_EQ(deleted.json, Json({{"success", true},
                                {"message", "Partition 'mine' deleted"},
                                {"deleted_document_count", 1}}));
  EXPECT_EQ(server.ask("DELETE", "/partitions/mine").status, 404);
  EXPECT_EQ(server.ask("DELETE", "/partitions/mine").detail(), quote("Partition not found: mine"));
  EXPECT_EQ(server.ask("DELETE", "/partitions/_global").status, 403);
  EXPECT_EQ(server.ask("DELETE", "/partitions/_global").detail(),
            quote("Cannot delete the global partition"));
}

TEST_F(DocumentsContractTest, ABadNameOfAPartitionIs422) {
  const Told told = server.sendJson("POST", "/partitions", {{"name", "1 bad"}});
  EXPECT_EQ(told.status, 422);
  const Json error = told.json["detail"][0];
  EXPECT_EQ(error["type"], "value_error");
  EXPECT_EQ(error["loc"], Json({"body", "name"}));
  EXPECT_EQ(error["input"], "1 bad");
  EXPECT_EQ(error["msg"],
            "Value error, Invalid partition name. Must start with letter or underscore, contain "
            "only letters, numbers, hyphens, underscores, and be 1-64 characters.");
  const Told absent = server.sendJson("POST", "/partitions", Json::object());
  EXPECT_EQ(absent.status, 422);
  EXPECT_EQ(absent.json["detail"][0]["type"], "missing");
}

TEST_F(DocumentsContractTest, APartitionsRoutesShowItsDocumentsOnly) {
  server.sendJson("POST", "/partitions", {{"name", "mine"}});
  const std::string base = "/partitions/mine/documents";
  const Told made = server.push("a.md", "text", "", {}, base);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = made.text("id");
  EXPECT_EQ(made.json["partition"], "mine");
  EXPECT_EQ(made.json["url"], "http://localhost:8766" + base + "/" + id);
  EXPECT_EQ(server.get(base).json.size(), 1U);
  EXPECT_EQ(server.get("/documents").json.size(), 0U);
  EXPECT_EQ(server.get(base + "/" + id).body, "text");
  EXPECT_EQ(server.get("/documents/" + id).detail(), quote("Document not found"));
  EXPECT_EQ(server.get(base + "/" + id + "/metadata").json["partition"], "mine");
  EXPECT_EQ(server
                .sendJson("PATCH", base + "/" + id + "/content",
                          {{"old_string", "text"}, {"new_string", "t"}})
                .json["partition"],
            "mine");
  const std::string global = server.pushed("b.md", "x");
  EXPECT_EQ(server.get("/partitions/_global/documents/" + global).body, "x");
  EXPECT_EQ(server.get(base + "/" + global).status, 404);
}

TEST_F(DocumentsContractTest, APartitionThatIsNotThereIsSaidFirst) {
  for (const char* path : {"/documents", "/documents/doc_0", "/documents/doc_0/metadata",
                           "/documents/doc_0/relations", "/relations/definitions"}) {
    const Told told = server.get(std::string("/partitions/nope") + path);
    EXPECT_EQ(told.status, 404) << path;
    EXPECT_EQ(told.detail(), quote("Partition not found: nope")) << path;
  }
  EXPECT_EQ(server.push("a", "x", "", {}, "/partitions/nope/documents").detail(),
            quote("Partition not found: nope"));
  const Told bad = server.get("/partitions/1bad/documents");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(
      bad.detail(),
      quote("Invalid partition name: 1bad. Must start with letter or underscore, contain only "
            "letters, numbers, hyphens, underscores, and be 1-64 characters."));
}

TEST_F(DocumentsContractTest, DescriptionsAreChangedByThemselves) {
  const std::string id = server.pushed("a.md", "x");
  const Told told = server.sendJson(
      "PATCH", "/documents/" + id + "/metadata",
      {{"filename", "b.md"}, {"tags", {"t"}}, {"metadata", {{"k", "v"}, {"gone", nullptr}}}});
  ASSERT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(told.json["filename"], "b.md");
  EXPECT_EQ(told.json["tags"], Json({"t"}));
  EXPECT_EQ(told.json["metadata"], Json({{"k", "v"}}));
  EXPECT_EQ(told.json["version"], 1);
  const Told stale = server.sendJson("PATCH", "/documents/" + id + "/metadata", {{"tags", {"u"}}},
                                     {{"If-Match", "\"r1\""}});
  EXPECT_EQ(stale.status, 412);
  const Told fresh = server.sendJson("PATCH", "/documents/" + id + "/metadata", {{"tags", {"u"}}},
                                     {{"If-Match", told.header("ETag")}});
  EXPECT_EQ(fresh.status, 200) << fresh.body;
}

TEST_F(DocumentsContractTest, AnIdempotencyKeyMakesOneDocument) {
  const Headers headers = {{"Idempotency-Key", "k1"}};
  const Json body = {{"filename", "a.md"}};
  const Told first = server.sendJson("POST", "/documents", body, headers);
  const Told again = server.sendJson("POST", "/documents", body, headers);
  EXPECT_EQ(first.json["id"], again.json["id"]);
  EXPECT_EQ(server.get("/documents").json.size(), 1U);
}

TEST_F(DocumentsContractTest, ARepeatedDeletionGetsItsFirstAnswer) {
  const std::string id = server.push("a.md", "text").json.value("id", "");
  const Headers headers = {{"Idempotency-Key", "gone"}};
  const auto first = server.ask("DELETE", "/documents/" + id, {}, headers);
  ASSERT_EQ(first.status, 200) << first.body;
  const auto second = server.ask("DELETE", "/documents/" + id, {}, headers);
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(second.json, first.json);
  EXPECT_EQ(server.ask("DELETE", "/documents/" + id).status, 404);
}

}  // namespace
}  // namespace tutti::rest
