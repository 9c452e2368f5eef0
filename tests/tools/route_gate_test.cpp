// What gates say, and how they are held to it.
#include "tools/route_gate.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/runner/output_check.hpp"

namespace tutti::tools {
namespace {

TEST(RouteGateTest, OnlyPassedFalseOrUnreadableRefuses) {
  EXPECT_EQ(gateRefusal(R"({"passed": false, "reason": "no stamp"})"), "no stamp");
  EXPECT_EQ(gateRefusal(R"({"passed": false})"), "it gave no reason");
  EXPECT_EQ(gateRefusal(R"({"passed": "yes"})"),
            R"(its "passed" is neither true nor false: "yes")");
  for (const char* passes : {R"({"passed": true, "reason": "fine"})", R"({"return_code": 0})", "[]",
                             "", "no JSON", R"({"passed": null})"})
    EXPECT_FALSE(gateRefusal(passes)) << passes;
}

TEST(RouteGateTest, AgentsAreHeldToTheSchemaAndProgramsAndOwnSchemasAreNot) {
  const auto held = json::parse(gateSnapshot(R"({"name": "auditor", "driver": "claude"})"));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ((*held)["output_schema"], gateSchema());
  for (const std::string stays : {R"({"driver":"process"})",
                                  R"({"driver":"claude","output_schema":{"type":"object"}})", "[]"})
    EXPECT_EQ(gateSnapshot(stays), stays);
}

TEST(RouteGateTest, SchemaTakesWhatIsReadAndNothingElse) {
  const Json said = Json::object({{"passed", false}, {"reason", "no stamp"}});
  EXPECT_FALSE(runner::checkOutput(gateSchema(), said));
  EXPECT_TRUE(runner::checkOutput(gateSchema(), Json::object({{"reason", "fine"}})));
  EXPECT_TRUE(runner::checkOutput(gateSchema(), Json::object({{"passed", "no"}, {"reason", ""}})));
}

}  // namespace
}  // namespace tutti::tools
