// Documents over HTTP by the real program: beside MCP, on a port of their own, and after its end.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/serving.hpp"

namespace tutti::test {
namespace {

/// The structured content of a tools/call.
Json callTool(std::uint16_t port, const std::string& tool, const Json& arguments) {
  const Json meta = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
  const Json params = {{"name", tool}, {"arguments", arguments}, {"_meta", meta}};
  const Json message = {
      {"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/call"}, {"params", params}};
  const auto answer = ask(port, "POST", "/mcp", message.dump(),
                          std::string(kJsonHeader) +
                              "MCP-Protocol-Version: 2026-07-28\r\n"
                              "Accept: application/json, text/event-stream\r\n"
                              "Mcp-Method: tools/call\r\nMcp-Name: " +
                              tool + "\r\n");
  EXPECT_EQ(answer.status, 200) << answer.body;
  Json said = Json::parse(answer.body, nullptr, false);
  return said["result"]["structuredContent"];
}

TEST(DocumentsHttpTest, BothPortsServeTheSameDocumentsAndAofsHealthIsOnTheirOwn) {
  const TempFolder folder;
  Serving serving(folder);
  const auto made =
      ask(serving.documents_port, "POST", "/documents", R"({"filename":"a.md"})", kJsonHeader);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = Json::parse(made.body).value("id", "");
  EXPECT_EQ(ask(serving.main_port, "PUT", "/documents/" + id + "/content", "text").status, 200);
  EXPECT_EQ(ask(serving.documents_port, "GET", "/documents/" + id).body, "text");
  EXPECT_EQ(Json::parse(ask(serving.documents_port, "GET", "/health").body),
            Json({{"status", "healthy"}, {"service", "context-store"}}));
  EXPECT_EQ(ask(serving.documents_port, "POST", "/mcp", "{}", kJsonHeader).status, 404);
}

TEST(DocumentsHttpTest, WhatIsInDocumentsIsFound) {
  const TempFolder folder;
  Serving serving(folder);
  const auto made =
      ask(serving.main_port, "POST", "/documents", R"({"filename":"a.md"})", kJsonHeader);
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id = Json::parse(made.body).value("id", "");
  ask(serving.main_port, "PUT", "/documents/" + id + "/content", "The mutexes were held.");
  const auto found = ask(serving.documents_port, "GET", "/search?q=mutex");
  ASSERT_EQ(found.status, 200) << found.body;
  const Json result = Json::parse(found.body).at("results").at(0);
  EXPECT_EQ(result.value("document_id", ""), id);
  EXPECT_EQ(result.value("document_url", ""), "http://localhost/documents/" + id);
  EXPECT_TRUE(result.at("relations").is_null());
  EXPECT_EQ(ask(serving.documents_port, "GET", "/search?q=mutex&limit=0").status, 422);
  EXPECT_EQ(ask(serving.documents_port, "GET", "/search?q=mutex&mode=semantics").status, 422);
  const auto semantic = ask(serving.documents_port, "GET", "/search?q=mutex&mode=semantic");
  EXPECT_EQ(semantic.status, 404) << "as AOF's doc-search expects it";
  EXPECT_EQ(Json::parse(semantic.body).value("detail", ""), "Semantic search is not enabled");
}

TEST(DocumentsHttpTest, ToolsTellWhereTheirProcessServesADocumentAndInWhichPartition) {
  const TempFolder folder;
  Serving serving(folder, {"--toolsets", "all"});
  const std::string base = "http://127.0.0.1:" + std::to_string(serving.documents_port);
  ask(serving.main_port, "POST", "/partitions", R"({"name":"locks"})", kJsonHeader);
  const Json made =
      callTool(serving.main_port, "doc_push",
               {{"name", "a.md"}, {"content", "The mutexes were held."}, {"partition", "locks"}});
  const std::string path = "/partitions/locks/documents/" + made.value("id", "");
  EXPECT_EQ(made.value("url", ""), base + path) << made;
  EXPECT_EQ(ask(serving.documents_port, "GET", path).body, "The mutexes were held.");
  const Json found =
      callTool(serving.main_port, "doc_search", {{"query", "mutex"}, {"partition", "locks"}});
  ASSERT_EQ(found["results"].size(), 1U) << found;
  EXPECT_EQ(found["results"][0].value("document_url", ""), base + path) << found;
}

TEST(DocumentsHttpTest, ToolsTellThePublicAddressAndNoneWhereNothingIsServed) {
  const TempFolder folder;
  Serving serving(folder, {"--public-url", "https://docs.example/"});
  const Json arguments = {{"name", "a.md"}, {"content", "text"}};
  const Json made = callTool(serving.main_port, "doc_push", arguments);
  EXPECT_EQ(made.value("url", ""), "https://docs.example/documents/" + made.value("id", ""));
  TuttiProcess told(folder, {.arguments = {"stdio", "--public-url", "https://docs.example"}});
  const Json pushed = told.call("doc_push", arguments);
  EXPECT_EQ(pushed.value("url", ""), "https://docs.example/documents/" + pushed.value("id", ""));
  TuttiProcess silent(folder);
  EXPECT_FALSE(silent.call("doc_push", arguments).contains("url"));
}

TEST(DocumentsHttpTest, WhatWasAnsweredIsThereAfterAKill) {
  const TempFolder folder;
  const std::string content(300'000, 'x');
  std::string id;
  {
    Serving serving(folder);
    const auto made =
        ask(serving.main_port, "POST", "/documents", R"({"filename":"a.md"})", kJsonHeader);
    ASSERT_EQ(made.status, 201) << made.body;
    id = Json::parse(made.body).value("id", "");
    const auto put = ask(serving.main_port, "PUT", "/documents/" + id + "/content", content);
    ASSERT_EQ(put.status, 200) << put.body;
    serving.process().kill(SIGKILL);
    serving.process().wait();
  }
  Serving again(folder);
  EXPECT_EQ(ask(again.main_port, "GET", "/documents/" + id).body, content);
}

TEST(DocumentsHttpTest, TheTokenHoldsOnBothPortsAndTheAddressIsAsTold) {
  const TempFolder folder;
  Serving serving(folder, {"--token", "secret", "--public-url", "https://docs.example/"});
  for (const std::uint16_t port : {serving.main_port, serving.documents_port})
    EXPECT_EQ(ask(port, "GET", "/documents").status, 401);
  const auto made = ask(serving.documents_port, "POST", "/documents", R"({"filename":"a.md"})",
                        std::string(kJsonHeader) + "Authorization: Bearer secret\r\n");
  ASSERT_EQ(made.status, 201) << made.body;
  const Json document = Json::parse(made.body);
  EXPECT_EQ(document.value("url", ""),
            "https://docs.example/documents/" + document.value("id", ""));
}

TEST(DocumentsHttpTest, ADiskThatIsFullIsSaidAndTheOldContentStays) {
  const TempFolder folder;
  Serving serving(folder);
  const auto made =
      ask(serving.main_port, "POST", "/documents", R"({"filename":"a.md"})", kJsonHeader);
  const std::string id = Json::parse(made.body).value("id", "");
  const std::string content = "/documents/" + id + "/content";
  ASSERT_EQ(ask(serving.main_port, "PUT", content, "old").status, 200);
  limitFiles(serving.process(), 1U << 20);
  const auto refused = ask(serving.main_port, "PUT", content, std::string(4U << 20, 'x'));
  EXPECT_EQ(refused.status, 507) << refused.body;
  EXPECT_EQ(Json::parse(refused.body).value("code", ""), "disk_full");
  EXPECT_EQ(ask(serving.main_port, "GET", "/documents/" + id).body, "old");
}

}  // namespace
}  // namespace tutti::test
