// Content by bytes, by characters, by version, and under conditions.
#include <gtest/gtest.h>

#include "tests/rest/documents_server.hpp"

namespace tutti::rest {
namespace {

class ContentContractTest : public ::testing::Test {
 protected:
  std::string path(const std::string& id) const { return "/documents/" + id; }

  DocumentsServer server;
};

TEST_F(ContentContractTest, CharactersAreCountedNotBytes) {
  const std::string text = "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";  // ä € 😀 z
  const std::string id = server.pushed("a.md", text);
  const auto read = [&](const std::string& query) { return server.get(path(id) + query); };
  const Told part = read("?offset=1&limit=2");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(part.header("X-Total-Chars"), "4");
  EXPECT_EQ(part.header("X-Char-Range"), "1-3");
  EXPECT_EQ(part.header("Content-Disposition"), "inline; filename=\"a.md\"");
  EXPECT_EQ(part.header("Content-Type"), "text/markdown");
  EXPECT_EQ(read("?limit=1").body, "\xC3\xA4");
  EXPECT_EQ(read("?offset=3").header("X-Char-Range"), "3-4");
  EXPECT_EQ(read("?offset=99").header("X-Char-Range"), "4-4");
  EXPECT_EQ(read("?offset=99").body, "");
  EXPECT_EQ(read("?offset=-5&limit=1").header("X-Char-Range"), "0-1");
  EXPECT_EQ(read("?offset=0&limit=0").status, 206);
  EXPECT_EQ(read("?offset=x").status, 422);
}

TEST_F(ContentContractTest, CharactersAreOfTextOnly) {
  const std::string id = server.pushed("a.png", "x", "image/png");
  const Told told = server.get(path(id) + "?offset=0");
  EXPECT_EQ(told.status, 400);
  EXPECT_EQ(told.detail(),
            quote("Partial content retrieval is only supported for text content types"));
}

TEST_F(ContentContractTest, BytesAreSentByRange) {
  const std::string id = server.pushed("a.bin", "0123456789", "application/octet-stream");
  const auto read = [&](const std::string& range) {
    return server.get(path(id), {{"Range", range}});
  };
  const Told part = read("bytes=2-4");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.header("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(read("bytes=-3").body, "789");
  EXPECT_EQ(read("bytes=7-").body, "789");
  EXPECT_EQ(read("bytes=7-99").header("Content-Range"), "bytes 7-9/10");
  const Told outside = read("bytes=10-");
  EXPECT_EQ(outside.status, 416);
  EXPECT_EQ(outside.header("Content-Range"), "bytes */10");
  EXPECT_EQ(read("lines=1-2").status, 200);
  EXPECT_EQ(read("bytes=0-1,4-5").body, "0123456789") << "several ranges get the whole";
}

TEST_F(ContentContractTest, ReadsAreConditional) {
  const std::string id = server.pushed("a.md", "one");
  const Told whole = server.get(path(id));
  const std::string etag = whole.header("ETag");
  const Told same = server.get(path(id), {{"If-None-Match", etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.header("ETag"), etag);
  EXPECT_EQ(server.get(path(id), {{"If-Modified-Since", whole.header("Last-Modified")}}).status,
            304);
  EXPECT_EQ(server.get(path(id), {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(server.get(path(id), {{"Range", "bytes=0-0"}, {"If-Range", etag}}).status, 206);
  EXPECT_EQ(server.get(path(id), {{"Range", "bytes=0-0"}, {"If-Range", "\"other\""}}).status, 200);
  server.ask("PUT", path(id) + "/content", "two");
  EXPECT_EQ(server.get(path(id), {{"If-None-Match", etag}}).body, "two");
}

TEST_F(ContentContractTest, ChangesAreConditional) {
  const std::string id = server.pushed("a.md", "one");
  const std::string etag = server.get(path(id)).header("ETag");
  const std::string content = path(id) + "/content";
  const Told put = server.ask("PUT", content, "two", {{"If-Match", etag}});
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.header("ETag"), server.get(path(id)).header("ETag"));
  EXPECT_EQ(server.ask("PUT", content, "three", {{"If-Match", etag}}).status, 412);
  EXPECT_EQ(server.ask("PUT", content, "three", {{"If-None-Match", "*"}}).status, 412);
  EXPECT_EQ(server
                .sendJson("PATCH", content, {{"old_string", "two"}, {"new_string", "x"}},
                          {{"If-Match", etag}})
                .status,
            412);
  EXPECT_EQ(server.ask("DELETE", path(id), {}, {{"If-Match", etag}}).status, 412);
  EXPECT_EQ(server.get(path(id)).body, "two");
  const Told stale = server.ask("PUT", content + "?expected_version=1", "three");
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.json["code"], "version_conflict");
  EXPECT_EQ(stale.json["details"]["version"], 2);
  EXPECT_EQ(server.ask("PUT", content + "?expected_version=2", "three").status, 200);
}

TEST_F(ContentContractTest, VersionsAreListedReadComparedAndRestored) {
  const std::string id = server.pushed("a.md", "one\n");
  server.ask("PUT", path(id) + "/content?note=why", "two\n");
  const Told listed = server.get(path(id) + "/versions");
  ASSERT_EQ(listed.status, 200) << listed.body;
  ASSERT_EQ(listed.json["versions"].size(), 2U);
  EXPECT_EQ(listed.json["versions"][0]["version"], 2);
  EXPECT_EQ(listed.json["versions"][0]["note"], "why");
  EXPECT_TRUE(listed.json["next"].is_null());
  EXPECT_EQ(server.get(path(id) + "/versions/1").body, "one\n");
  EXPECT_EQ(server.get(path(id) + "?version=1").body, "one\n");
  EXPECT_NE(server.get(path(id) + "/versions/1").header("ETag"),
            server.get(path(id)).header("ETag"));
  EXPECT_EQ(server.get(path(id) + "/versions/9").status, 404);
  EXPECT_EQ(server.get(path(id) + "/versions/x").status, 422);
  const Json diff = server.get(path(id) + "/diff?from=1&to=2").json;
  EXPECT_EQ(diff["lines_added"], 1);
  EXPECT_EQ(diff["lines_removed"], 1);
  EXPECT_NE(diff.value("diff", "").find("-one\n+two\n"), std::string::npos);
  const Told restored = server.sendJson("POST", path(id) + "/restore", {{"version", 1}});
  ASSERT_EQ(restored.status, 200) << restored.body;
  EXPECT_EQ(restored.json["version"], 3);
  EXPECT_EQ(server.get(path(id)).body, "one\n");
  EXPECT_EQ(server.sendJson("POST", path(id) + "/restore", Json::object()).status, 422);
  EXPECT_EQ(server.sendJson("POST", path(id) + "/restore", {{"version", 77}}).status, 404);
}

TEST_F(ContentContractTest, HeadTellsWithoutTheContent) {
  const std::string id = server.pushed("a.md", "one");
  fixture::HttpClient client(server.port());
  client.send(DocumentsServer::request("HEAD", path(id), {}, {{"Connection", "close"}}));
  const std::string all = client.readAll();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200")) << all;
  EXPECT_NE(all.find("Content-Length: 3\r\n"), std::string::npos) << all;
  EXPECT_TRUE(all.ends_with("\r\n\r\n")) << all;
}

TEST_F(ContentContractTest, NamesCannotMakeHeaders) {
  const Told made = server.push("na\xC3\xAFve.md", "x");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(server.get(path(made.text("id"))).header("Content-Disposition"),
            "attachment; filename*=UTF-8''na%C3%AFve.md; filename=\"na_ve.md\"");
}

TEST_F(ContentContractTest, TheTokenAndTheGuardsHoldHereToo) {
  transport::HttpOptions options;
  options.token = "secret";
  const DocumentsServer guarded(options);
  EXPECT_EQ(guarded.get("/documents").status, 401);
  EXPECT_EQ(guarded.push("a.md", "x").status, 401);
  EXPECT_EQ(guarded.get("/documents", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(guarded.get("/documents", {{"Authorization", "Bearer secret"}}).status, 200);
  EXPECT_EQ(server.get("/documents", {{"Origin", "https://evil.example"}}).status, 403);
  const Told asked =
      server.ask("OPTIONS", "/documents", {},
                 {{"Origin", "http://localhost:3000"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(asked.status, 204);
  EXPECT_EQ(asked.header("Access-Control-Allow-Origin"), "http://localhost:3000");
  fixture::HttpClient rebound(server.port());
  rebound.send("GET /documents HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(rebound.answer().status, 403);
}

}  // namespace
}  // namespace tutti::rest
