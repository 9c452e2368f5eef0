// Each rung of the ladder, and that the lower rung wins.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/mcp/http_fixture.hpp"

namespace tutti::fixture {
namespace {

struct Rung {
  std::string name;
  std::string body;
  Headers headers;
  int status;
  int code;  ///< 0: no error in the body
};

/// For failure messages; the default would print the bytes of the struct.
void PrintTo(const Rung& rung, std::ostream* to) {
  *to << rung.name;
}

std::string call(const Json& meta) {
  Json params{{"name", "echo"}, {"arguments", {{"text", "x"}}}};
  if (!meta.is_null()) params["_meta"] = meta;
  return request(7, "tools/call", params).dump();
}

Json metaWith(const std::string& version) {
  return Json{{kVersionKey, version}, {kCapabilitiesKey, Json::object()}};
}

std::vector<Rung> modernRungs() {
  const Headers good = modernHeaders("tools/call", "echo");
  const auto with = [&good](const std::string& name, const std::string& value) {
    Headers headers = good;
    headers[name] = value;
    return headers;
  };
  const auto without = [&good](const std::string& name) {
    Headers headers = good;
    headers.erase(name);
    return headers;
  };
  Json no_version = modernMeta();
  no_version.erase(kVersionKey);
  Json no_capabilities = modernMeta();
  no_capabilities.erase(kCapabilitiesKey);
  Json number_version = modernMeta();
  number_version[kVersionKey] = 20260728;
  const std::string ok = call(modernMeta());
  return {
      {"Good", ok, good, 200, 0},
      {"HeaderNamesInAnyCase",
       ok,
       {{"mcp-protocol-version", "2026-07-28"}, {"MCP-METHOD", "tools/call"}, {"mcp-name", "echo"}},
       200,
       0},
      {"SpacesAroundNameAreTrimmed", ok, with("Mcp-Name", "  echo \t"), 200, 0},
      {"NameMayBeEncoded", ok, with("Mcp-Name", "=?base64?ZWNobw==?="), 200, 0},
      {"NameIsEncodedWrongly", ok, with("Mcp-Name", "=?base64?ZWNobw?="), 400, -32020},
      {"AcceptInOtherOrder", ok, with("Accept", "text/event-stream;q=0.9, application/json"), 200,
       0},
      {"AcceptAnything", ok, with("Accept", "*/*"), 200, 0},
      {"SessionIdIsIgnored", ok, with("Mcp-Session-Id", "nobody"), 200, 0},
      {"AcceptLacksStream", ok, with("Accept", "application/json"), 406, -32000},
      {"AcceptForbidsStream", ok, with("Accept", "application/json, text/event-stream;q=0"), 406,
       -32000},
      {"ContentTypeWithCharset", ok, with("Content-Type", "Application/JSON; charset=utf-8"), 200,
       0},
      {"ContentTypeText", ok, with("Content-Type", "text/plain"), 415, -32000},
      {"ContentTypeEmpty", ok, with("Content-Type", ""), 415, -32000},
      {"NotJson", "{", good, 400, -32700},
      {"NotAMessage", "{}", good, 400, -32600},
      {"EmptyBatch", "[]", good, 400, -32600},
      {"BatchWithModernClaim", "[" + ok + "]", good, 400, -32600},
      {"BatchMixedWithModernClaim", R"([{"jsonrpc":"2.0","id":1,"method":"ping"},)" + ok + "]",
       Headers{}, 400, -32600},
      {"BatchWithRubbish", "[1]", good, 400, -32600},
      {"VersionHeaderMissing", ok, without("MCP-Protocol-Version"), 400, -32020},
      {"VersionHeaderDiffers", ok, with("MCP-Protocol-Version", "2025-11-25"), 400, -32020},
      {"UnknownVersionInMetaOnly", call(metaWith("v999.0.0")), good, 400, -32020},
      {"UnknownVersionInBoth", call(metaWith("v999.0.0")), with("MCP-Protocol-Version", "v999.0.0"),
       400, -32022},
      {"LegacyVersionClaimed", call(metaWith("2025-11-25")),
       with("MCP-Protocol-Version", "2025-11-25"), 400, -32022},
      {"MethodHeaderMissing", ok, without("Mcp-Method"), 400, -32020},
      {"MethodHeaderDiffers", ok, with("Mcp-Method", "tools/list"), 400, -32020},
      {"MethodHeaderInCapitals", ok, with("Mcp-Method", "TOOLS/CALL"), 400, -32020},
      {"NameHeaderMissing", ok, without("Mcp-Name"), 400, -32020},
      {"NameHeaderDiffers", ok, with("Mcp-Name", "fail"), 400, -32020},
      {"PromptNameDiffers", modern(7, "prompts/get", {{"name", "a"}}).dump(),
       modernHeaders("prompts/get", "b"), 400, -32020},
      {"PromptNameMissing", modern(7, "prompts/get", {{"name", "a"}}).dump(),
       modernHeaders("prompts/get"), 400, -32020},
      {"ResourceUriDiffers", modern(7, "resources/read", {{"uri", "a:b"}}).dump(),
       modernHeaders("resources/read", "a:c"), 400, -32020},
      {"ResourceUriMissing", modern(7, "resources/read", {{"uri", "a:b"}}).dump(),
       modernHeaders("resources/read"), 400, -32020},
      {"TaskIdDiffers", modern(7, "tasks/get", {{"taskId", "1"}}).dump(),
       modernHeaders("tasks/get", "2"), 400, -32020},
      {"CompletionNeedsNoName", modern(7, "completion/complete").dump(),
       modernHeaders("completion/complete"), 404, -32601},
      {"MetaMissingUnderModernHeader", call(nullptr), good, 400, -32602},
      {"VersionMissingInMeta", call(no_version), good, 400, -32602},
      {"CapabilitiesMissingInMeta", call(no_capabilities), good, 400, -32602},
      {"VersionIsNumber", call(number_version), good, 400, -32602},
      {"CapabilitiesMissingBeatsWrongHeader", call(no_capabilities), with("Mcp-Name", "fail"), 400,
       -32602},
      {"UnknownMethod", modern(7, "unknown/method").dump(), modernHeaders("unknown/method"), 404,
       -32601},
      {"InitializeWithClaim", modern(7, "initialize", {{"protocolVersion", "2025-11-25"}}).dump(),
       modernHeaders("initialize"), 404, -32601},
      {"PingWithClaim", modern(7, "ping").dump(), modernHeaders("ping"), 404, -32601},
      {"SetLevelWithClaim", modern(7, "logging/setLevel").dump(), modernHeaders("logging/setLevel"),
       404, -32601},
      {"SubscribeWithClaim", modern(7, "resources/subscribe").dump(),
       modernHeaders("resources/subscribe"), 404, -32601},
      {"UnsubscribeWithClaim", modern(7, "resources/unsubscribe").dump(),
       modernHeaders("resources/unsubscribe"), 404, -32601},
      {"ParamsAreAnArray", R"({"jsonrpc":"2.0","id":7,"method":"tools/list","params":[]})",
       modernHeaders("tools/list"), 400, -32602},
      {"ArgumentsAbsent", modern(7, "tools/call", {{"name", "whoami"}}).dump(),
       modernHeaders("tools/call", "whoami"), 200, 0},
      {"InitializeUnderModernHeader", request(7, "initialize").dump(), modernHeaders("initialize"),
       400, -32020},
      {"ResponseUnderModernHeader", R"({"jsonrpc":"2.0","id":7,"result":{}})", good, 400, -32600},
      {"BadCursorIsTheMethodsOwn", modern(7, "tools/list", {{"cursor", "x"}}).dump(),
       modernHeaders("tools/list"), 200, -32602},
      {"UnknownToolIsTheMethodsOwn", modern(7, "tools/call", {{"name", "nope"}}).dump(),
       modernHeaders("tools/call", "nope"), 200, -32602},
  };
}

class ModernLadderTest : public testing::TestWithParam<Rung> {};

TEST_P(ModernLadderTest, AnswersWithStatusAndCode) {
  HttpFixture http;
  const Rung& rung = GetParam();
  const auto reply = http.post(rung.body, rung.headers);
  EXPECT_EQ(reply->status, rung.status) << reply->body;
  EXPECT_EQ(reply->code(), rung.code) << reply->body;
  EXPECT_EQ(reply->body.find("\"id\":null"), std::string::npos);
  const bool readable = Json::parse(rung.body, nullptr, false).is_object() && rung.code != -32600 &&
                        rung.code != -32000;
  if (readable) {
    EXPECT_EQ(reply->json().at("id"), 7) << "the id is echoed";
  }
}

INSTANTIATE_TEST_SUITE_P(Rungs, ModernLadderTest, testing::ValuesIn(modernRungs()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(HttpLadderTest, UnsupportedVersionNamesTheSameListAsDiscover) {
  HttpFixture http;
  const auto discover = http.post(modern(1, "server/discover"), modernHeaders("server/discover"));
  Headers headers = modernHeaders("tools/list");
  headers["MCP-Protocol-Version"] = "v9";
  Json body = modern(2, "tools/list");
  body["params"]["_meta"][kVersionKey] = "v9";
  const auto refused = http.post(body, headers);
  EXPECT_EQ(refused->json()["error"]["data"]["supported"],
            discover->json()["result"]["supportedVersions"]);
  EXPECT_EQ(refused->json()["error"]["data"]["requested"], "v9");
}

TEST(HttpLadderTest, TwoDifferentValuesOfOneHeaderAreRefused) {
  HttpFixture http;
  mcp::http::HttpRequest request;
  request.setHeader(mcp::http::Header::McpMethod, "tools/call");
  request.setHeader(mcp::http::Header::McpMethod, "tools/call ");
  EXPECT_FALSE(request.contradictory()) << "spaces around a value do not count";
  request.setHeader(mcp::http::Header::McpMethod, "tools/list");
  EXPECT_TRUE(request.contradictory());
}

TEST(HttpLadderTest, ModernNotificationIsAcceptedWithoutABody) {
  HttpFixture http;
  const Json cancelled{
      {"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}};
  const auto reply = http.post(cancelled, modernHeaders("notifications/cancelled"));
  EXPECT_EQ(reply->status, 202);
  EXPECT_TRUE(reply->body.empty());
}

TEST(HttpLadderTest, ANotificationThatIsNoMessageIsRefusedWithoutAnId) {
  HttpFixture http;
  const std::string wrong = R"({"jsonrpc":"2.0","method":"notifications/x","params":[]})";
  for (const Headers& headers : {modernHeaders("notifications/x"), Headers{}})
    for (const std::string& body : {wrong, "[" + wrong + "]"}) {
      const auto reply = http.post(body, headers);
      EXPECT_EQ(reply->status, 400) << body;
      EXPECT_FALSE(reply->json().contains("id")) << reply->body;
      EXPECT_TRUE(reply->json().contains("error")) << reply->body;
    }
}

}  // namespace
}  // namespace tutti::fixture
