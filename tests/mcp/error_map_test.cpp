#include "server/mcp/error_map.hpp"

#include <gtest/gtest.h>

#include "server/json/json.hpp"
#include "server/mcp/tool_result.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::mcp {
namespace {

TEST(ErrorMapTest, EveryCodeHasARow) {
  EXPECT_EQ(rpcCode(Code::InvalidArgument), -32602);
  EXPECT_EQ(rpcCode(Code::NotFound), -32602);
  EXPECT_EQ(rpcCode(Code::Conflict), -32600);
  for (const Code code : {Code::ResourceExhausted, Code::FailedPrecondition, Code::Unavailable,
                          Code::DeadlineExceeded, Code::Cancelled, Code::Internal})
    EXPECT_EQ(rpcCode(code), -32603);
}

TEST(ErrorMapTest, StatusFollowsTheEra) {
  EXPECT_EQ(httpStatus(-32601, true), 404);
  EXPECT_EQ(httpStatus(-32601, false), 200);
  EXPECT_EQ(httpStatus(-32021, true), 400);
  EXPECT_EQ(httpStatus(-32602, true), 200);
  EXPECT_EQ(httpStatus(-32603, true), 200);
}

TEST(ErrorMapTest, ErrorObjectLeavesOutWhatIsEmpty) {
  EXPECT_EQ(errorObject(Error(Code::Conflict, "m")),
            R"({"code":"conflict","name":"conflict","message":"m"})");
  EXPECT_EQ(
      errorObject(Error(Code::NotFound, "m \"q\"", "h").named("unknown_x").withDetails("[1]")),
      R"({"code":"not_found","name":"unknown_x","message":"m \"q\"","hint":"h","details":[1]})");
}

struct Projection {
  Json structured;
  Revision revision;
  bool shown;
};

TEST(ToolResultTest, StructuredContentIsProjectedPerRevision) {
  const std::vector<Projection> table = {
      {Json{{"a", 1}}, Revision::k2025_03_26, false},
      {Json{{"a", 1}}, Revision::k2025_06_18, true},
      {Json(7), Revision::k2025_11_25, false},
      {Json(7), Revision::k2026_07_28, true},
      {Json::array({1}), Revision::k2025_06_18, false},
      {Json::array({1}), Revision::k2026_07_28, true},
      {Json(nullptr), Revision::k2026_07_28, false},
  };
  ToolRegistry registry(10);
  ASSERT_TRUE(registry.add({"t", "", "", R"({"type":"object"})", "", {}}, nullptr).ok());
  for (const Projection& row : table) {
    std::string body;
    appendToolSuccess(body, **registry.find("t"), {row.structured, ""}, row.revision, {});
    const Json result = Json::parse(body);
    EXPECT_EQ(result.contains("structuredContent"), row.shown) << body;
    EXPECT_EQ(result["content"][0]["type"], "text");
  }
}

TEST(ToolResultTest, AScalarSchemaMakesNullAValue) {
  ToolRegistry registry(10);
  ASSERT_TRUE(
      registry.add({"t", "", "", R"({"type":"object"})", R"({"type":"null"})", {}}, nullptr).ok());
  std::string body;
  appendToolSuccess(body, **registry.find("t"), {nullptr, "nothing"}, Revision::k2026_07_28, {});
  EXPECT_TRUE(Json::parse(body).contains("structuredContent"));
}

TEST(ToolResultTest, AnErrorGoesWhereTheOutputSchemaHasRoomForIt) {
  ToolRegistry registry(10);
  ASSERT_TRUE(registry
                  .add({"strict",
                        "",
                        "",
                        R"({"type":"object"})",
                        R"({"type":"object","required":["id"]})",
                        {}},
                       nullptr)
                  .ok());
  ASSERT_TRUE(registry
                  .add({"open",
                        "",
                        "",
                        R"({"type":"object"})",
                        R"({"anyOf":[{"required":["id"]},{"required":["error"]}]})",
                        {}},
                       nullptr)
                  .ok());
  const Error error(Code::NotFound, "m");
  std::string strict;
  appendToolFailure(strict, **registry.find("strict"), error, Revision::k2025_11_25, {});
  EXPECT_FALSE(Json::parse(strict).contains("structuredContent"));
  EXPECT_EQ(Json::parse(strict)["_meta"]["tutti/error"]["code"], "not_found");
  std::string open;
  appendToolFailure(open, **registry.find("open"), error, Revision::k2025_11_25, {});
  EXPECT_EQ(Json::parse(open)["structuredContent"]["error"]["code"], "not_found");
  EXPECT_FALSE(Json::parse(open).contains("_meta"));
}

}  // namespace
}  // namespace tutti::mcp
