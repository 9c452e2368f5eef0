// A request that is sent again with its Idempotency-Key gets the answer that it had, whatever the
// document is by now; and what conditions compare with is what a GET tells.
#include <gtest/gtest.h>

#include "server/store/statement.hpp"
#include "tests/rest/documents_server.hpp"

namespace tutti::rest {
namespace {

class RepeatedRequestsTest : public ::testing::Test {
 protected:
  static Headers with(const std::string& key, const std::string& etag = {}) {
    Headers headers = {{"Idempotency-Key", key}};
    if (!etag.empty()) headers.emplace_back("If-Match", etag);
    return headers;
  }
  void expectReused(const Told& told) {
    EXPECT_EQ(told.status, 409) << told.body;
    EXPECT_EQ(told.text("code"), "idempotency_key_reused");
  }

  DocumentsServer server;
  const std::string id = server.pushed("a.md", "one");
  const std::string path = "/documents/" + id;
  const std::string etag = server.get(path).header("ETag");
};

TEST_F(RepeatedRequestsTest, APutThatMatchedIsAnsweredAgainAfterItsOwnChange) {
  const Told first = server.ask("PUT", path + "/content", "two", with("k", etag));
  ASSERT_EQ(first.status, 200) << first.body;
  const Told again = server.ask("PUT", path + "/content", "two", with("k", etag));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.json, first.json);
  EXPECT_EQ(again.header("ETag"), first.header("ETag"));
  expectReused(server.ask("PUT", path + "/content", "three", with("k", etag)));
  expectReused(server.ask("PUT", path + "/content", "two", with("k", "*")));
  EXPECT_EQ(server.ask("PUT", path + "/content", "two", with("other", etag)).status, 412);
  EXPECT_EQ(server.get(path).body, "two");
}

TEST_F(RepeatedRequestsTest, AnEditThatMatchedIsAnsweredAgain) {
  const Json edit = {{"old_string", "one"}, {"new_string", "two"}};
  const Told first = server.sendJson("PATCH", path + "/content", edit, with("k", etag));
  ASSERT_EQ(first.status, 200) << first.body;
  const Told again = server.sendJson("PATCH", path + "/content", edit, with("k", etag));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.json, first.json);
  const Json other = {{"old_string", "two"}, {"new_string", "x"}};
  expectReused(server.sendJson("PATCH", path + "/content", other, with("k", etag)));
  EXPECT_EQ(server.sendJson("PATCH", path + "/content", other, with("k2", etag)).status, 412);
}

TEST_F(RepeatedRequestsTest, ADeletionThatMatchedIsAnsweredAgain) {
  EXPECT_EQ(server.ask("DELETE", path, {}, with("k", "\"v9\"")).status, 412);
  const Told first = server.ask("DELETE", path, {}, with("k", etag));
  ASSERT_EQ(first.status, 200) << first.body;
  const Told again = server.ask("DELETE", path, {}, with("k", etag));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.json, first.json);
  expectReused(server.ask("DELETE", path, {}, with("k")));
}

TEST_F(RepeatedRequestsTest, ADescriptionIsChangedOnce) {
  const std::string metadata = path + "/metadata";
  const Json change = {{"filename", "b.md"}};
  const std::string tag = server.get(metadata).header("ETag");
  const Told first = server.sendJson("PATCH", metadata, change, with("k", tag));
  ASSERT_EQ(first.status, 200) << first.body;
  const Told again = server.sendJson("PATCH", metadata, change, with("k", tag));
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.json, first.json);
  expectReused(server.sendJson("PATCH", metadata, {{"filename", "c.md"}}, with("k", tag)));
  EXPECT_EQ(server.sendJson("PATCH", metadata, change, with("k2", tag)).status, 412);
}

TEST_F(RepeatedRequestsTest, AVersionIsRestoredOnce) {
  server.ask("PUT", path + "/content", "two");
  const Told first = server.sendJson("POST", path + "/restore", {{"version", 1}}, with("k"));
  ASSERT_EQ(first.json.value("version", 0), 3) << first.body;
  server.ask("PUT", path + "/content", "four");
  const Told again = server.sendJson("POST", path + "/restore", {{"version", 1}}, with("k"));
  EXPECT_EQ(again.json, first.json);
  EXPECT_EQ(server.get(path).body, "four");
  expectReused(server.sendJson("POST", path + "/restore", {{"version", 2}}, with("k")));
  EXPECT_EQ(server.sendJson("POST", path + "/restore", {{"version", 1}}, with("k2", etag)).status,
            412);
}

TEST_F(RepeatedRequestsTest, ARelationIsChangedAndRemovedOnce) {
  const std::string other = server.pushed("b.md", "x");
  const Told made = server.sendJson(
      "POST", "/relations",
      {{"definition", "related"}, {"from_document_id", id}, {"to_document_id", other}});
  const std::string relation = "/relations/" + made.json["from_relation"].value("id", "");
  const Told noted = server.sendJson("PATCH", relation, {{"note", "a"}}, with("n"));
  ASSERT_EQ(noted.status, 200) << noted.body;
  server.sendJson("PATCH", relation, {{"note", "b"}});
  EXPECT_EQ(server.sendJson("PATCH", relation, {{"note", "a"}}, with("n")).json, noted.json);
  expectReused(server.sendJson("PATCH", relation, {{"note", "c"}}, with("n")));
  const Told removed = server.ask("DELETE", relation, {}, with("r"));
  ASSERT_EQ(removed.status, 200) << removed.body;
  EXPECT_EQ(server.ask("DELETE", relation, {}, with("r")).json, removed.json);
  EXPECT_EQ(server.ask("DELETE", relation).status, 404);
  expectReused(server.ask("DELETE", relation, {}, with("n")));
}

TEST_F(RepeatedRequestsTest, AContentIsNewerThanItsDateOnlyWhenTheContentChanged) {
  const std::string since = server.get(path).header("Last-Modified");
  // As a change of the description, a minute after the content came.
  const Status described = server.store().writeAndWait([&](store::Tx& tx) {
    store::execute(tx, "UPDATE documents SET updated_at = '2099-01-01T00:00:00.000000+00:00'");
    return ok();
  });
  ASSERT_TRUE(described.ok()) << described.error().text();
  EXPECT_EQ(server.get(path).header("Last-Modified"), since);
  const Told put = server.ask("PUT", path + "/content", "two", {{"If-Unmodified-Since", since}});
  EXPECT_EQ(put.status, 200) << put.body;
  const std::string early = "Thu, 01 Jan 1970 00:00:00 GMT";
  EXPECT_EQ(server.ask("DELETE", path, {}, {{"If-Unmodified-Since", early}}).status, 412);
}

}  // namespace
}  // namespace tutti::rest
