// AOF's contract for relations.
#include <gtest/gtest.h>

#include "tests/rest/documents_server.hpp"

namespace tutti::rest {
namespace {

class RelationsContractTest : public ::testing::Test {
 protected:
  Told link(const std::string& definition, const std::string& from, const std::string& to,
            Json more = Json::object()) {
    more["definition"] = definition;
    more["from_document_id"] = from;
    more["to_document_id"] = to;
    return server.sendJson("POST", "/relations", more);
  }

  DocumentsServer server;
  const std::string a = server.pushed("a.md", "x");
  const std::string b = server.pushed("b.md", "x");
};

TEST_F(RelationsContractTest, DefinitionsSayWhatEachDocumentIs) {
  const Json list = server.get("/relations/definitions").json;
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0]["name"], "parent-child");
  EXPECT_EQ(list[0]["description"],
            "Hierarchical relation where parent owns children. Cascade delete enabled.");
  EXPECT_EQ(list[0]["from_document_is"], "parent");
  EXPECT_EQ(list[0]["to_document_is"], "child");
  EXPECT_EQ(list[1]["name"], "related");
  EXPECT_EQ(list[2]["name"], "predecessor-successor");
  EXPECT_EQ(server.get("/partitions/_global/relations/definitions").json, list);
}

TEST_F(RelationsContractTest, EachSideNamesWhatTheOtherIs) {
  const Told told = link("parent-child", a, b, {{"from_to_note", "down"}});
  ASSERT_EQ(told.status, 201) << told.body;
  EXPECT_EQ(told.json["success"], true);
  EXPECT_EQ(told.json["message"], "Relation created");
  const Json& from = told.json["from_relation"];
  EXPECT_TRUE(from["id"].is_string());
  EXPECT_EQ(from["document_id"], a);
  EXPECT_EQ(from["related_document_id"], b);
  EXPECT_EQ(from["relation_type"], "child");
  EXPECT_EQ(from["note"], "down");
  EXPECT_TRUE(from.contains("created_at"));
  EXPECT_EQ(told.json["to_relation"]["relation_type"], "parent");
  EXPECT_TRUE(told.json["to_relation"]["note"].is_null());

  const Json of_a = server.get("/documents/" + a + "/relations").json;
  EXPECT_EQ(of_a["document_id"], a);
  EXPECT_EQ(of_a["relations"]["child"][0], from);
  EXPECT_EQ(server.get("/documents/" + b + "/relations").json["relations"]["parent"].size(), 1U);
}

TEST_F(RelationsContractTest, ListsHaveRelationsWhenAsked) {
  link("related", a, b);
  const std::string c = server.pushed("c.md", "x");
  const Json list = server.get("/documents?include_relations=true").json;
  const Json expected = {
      {"id", "1"}, {"related_document_id", b}, {"relation_type", "related"}, {"note", nullptr}};
  EXPECT_EQ(list[0]["relations"]["related"][0], expected);
  EXPECT_EQ(list[2]["relations"], Json::object());
  EXPECT_TRUE(server.get("/documents").json[0]["relations"].is_null());
}

TEST_F(RelationsContractTest, ErrorsAreAofs) {
  Told told = link("owns", a, b);
  EXPECT_EQ(told.status, 400);
  EXPECT_EQ(told.detail(), quote("Invalid relation definition: owns. Valid options: "
                                 "['parent-child', 'related', 'predecessor-successor']"));
  told = link("related", a, "doc_x");
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.detail(), quote("Document not found: doc_x"));
  link("related", a, b);
  told = link("related", a, b);
  EXPECT_EQ(told.status, 409);
  EXPECT_EQ(told.detail(),
            quote("Relation already exists between these documents with type 'related'"));
  told = server.sendJson("POST", "/relations", {{"definition", 5}});
  EXPECT_EQ(told.status, 422);
  EXPECT_EQ(told.json["detail"].size(), 3U);
  EXPECT_EQ(told.json["detail"][0]["type"], "string_type");
  EXPECT_EQ(told.json["detail"][1]["type"], "missing");
  server.sendJson("POST", "/partitions", {{"name", "mine"}});
  told =
      server.sendJson("POST", "/partitions/mine/relations",
                      {{"definition", "related"}, {"from_document_id", a}, {"to_document_id", b}});
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.detail(), quote("Document not found in partition: " + a));
}

TEST_F(RelationsContractTest, LoopsAreRefusedAndNothingIsHarmed) {
  EXPECT_EQ(link("related", a, a).status, 400);
  EXPECT_EQ(link("parent-child", a, b).status, 201);
  const Told told = link("parent-child", b, a);
  EXPECT_EQ(told.status, 409) << told.body;
  EXPECT_EQ(told.json["code"], "relation_cycle");
  EXPECT_EQ(server.get("/documents").json.size(), 2U);
}

TEST_F(RelationsContractTest, NotesAreChangedAndRemoved) {
  const std::string id = link("related", a, b).json["from_relation"].value("id", "");
  Told told = server.sendJson("PATCH", "/relations/" + id, {{"note", "n"}});
  ASSERT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(told.json["note"], "n");
  told = server.sendJson("PATCH", "/relations/" + id, {{"note", nullptr}});
  EXPECT_TRUE(told.json["note"].is_null());
  EXPECT_EQ(server.sendJson("PATCH", "/relations/" + id, Json::object()).status, 422);
  told = server.sendJson("PATCH", "/relations/x1", {{"note", "n"}});
  EXPECT_EQ(told.status, 400);
  EXPECT_EQ(told.detail(), quote("Invalid relation ID format"));
  told = server.sendJson("PATCH", "/relations/999", {{"note", "n"}});
  EXPECT_EQ(told.status, 404);
  EXPECT_EQ(told.detail(), quote("Relation not found"));
}

TEST_F(RelationsContractTest, RemovingTakesBothSidesAndNoDocument) {
  const Json made = link("related", a, b).json;
  const std::string from = made["from_relation"].value("id", "");
  const std::string to = made["to_relation"].value("id", "");
  const Told told = server.ask("DELETE", "/relations/" + to);
  EXPECT_EQ(told.json, Json({{"success", true},
                             {"message", "Relation removed"},
                             {"deleted_relation_ids", {to, from}}}));
  EXPECT_EQ(server.get("/documents/" + a + "/relations").json["relations"], Json::object());
  EXPECT_EQ(server.get("/documents").json.size(), 2U);
  EXPECT_EQ(server.ask("DELETE", "/relations/" + to).status, 404);
  EXPECT_EQ(server.ask("DELETE", "/relations/zz").status, 400);
}

TEST_F(RelationsContractTest, DeletingAParentDeletesItsChildrenFirst) {
  const std::string c = server.pushed("c.md", "x");
  link("parent-child", a, b);
  link("parent-child", b, c);
  const Told told = server.ask("DELETE", "/documents/" + a);
  EXPECT_EQ(told.json["message"], "Deleted 3 document(s)");
  EXPECT_EQ(told.json["deleted_document_ids"], Json({c, b, a}));
  EXPECT_EQ(server.get("/documents").json, Json::array());
}

}  // namespace
}  // namespace tutti::rest
