// Mounted servers that hang, flood, die, print garbage or lie: each harms its own calls only.
#include "tests/toolhost/world.hpp"

namespace tutti::toolhost {
namespace {

class Misbehaving : public MountedTest {
 protected:
  /// The neighbour is as well as ever.
  void expectGoodIsWell() { EXPECT_EQ(textOf(call("good__echo", {{"text", "well"}})), "well"); }
};

TEST_F(Misbehaving, AServerThatDiesFailsItsCallsAndIsStartedAgain) {
  mount({spec("bad"), spec("good")});
  const client::Ended waiting = begin("bad__slow");
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  const Json crashed = call("bad__crash");
  EXPECT_EQ(crashed.at("isError"), true);
  EXPECT_NE(textOf(crashed).find("tool server 'bad'"), std::string::npos) << textOf(crashed);
  ASSERT_TRUE(until([&] { return !waiting.all.empty(); }));
  EXPECT_EQ(waiting.value().at("isError"), true);
  expectGoodIsWell();
  ASSERT_TRUE(until([&] { return health().state == MountState::Ready; }));
  EXPECT_EQ(health().starts, 2);
  EXPECT_EQ(textOf(call("bad__echo", {{"text", "again"}})), "again");
  EXPECT_EQ(health(1).starts, 1);
}

TEST_F(Misbehaving, AServerThatKeepsDyingIsStartedEverMoreSeldom) {
  options.restart_first_ms = 100;  // what is left of a pause is looked at below
  mount({spec("bad", {"--exit", "3", "--stderr", "no key for s3cret-token"}), spec("good")});
  ASSERT_TRUE(until([&] { return health().starts == 4; }));
  ASSERT_TRUE(until([&] {
    return health().state == MountState::Waiting &&
           health().problem.find("status 3") != std::string::npos;
  }));
  EXPECT_GT(health().retry_in_ms, options.restart_first_ms * 2);
  EXPECT_NE(health().problem.find("no key for"), std::string::npos) << health().problem;
  expectGoodIsWell();
}

TEST_F(Misbehaving, WhatAServerPrintsIsShownWithoutSecrets) {
  MountSpec bad = spec("bad", {"--stderr", "key is s3cret-token, said twice: s3cret-token"});
  bad.secrets = {"s3cret-token"};
  mount({bad});
  ASSERT_TRUE(until([&] { return !health().stderr_lines.empty(); }));
  EXPECT_EQ(health().stderr_lines[0], "key is ***, said twice: ***");
}

TEST_F(Misbehaving, ACommandThatDoesNotExistSaysSo) {
  MountSpec bad = spec("bad");
  bad.command = "/nonexistent/server";
  mount({bad, spec("good")});
  ASSERT_TRUE(until([&] {
    return health().problem.find("cannot run '/nonexistent/server'") != std::string::npos;
  }));
  expectGoodIsWell();
}

TEST_F(Misbehaving, AServerThatHangsRunsIntoItsTimeLimit) {
  MountSpec bad = spec("bad");
  bad.timeout_s = 0.2;
  mount({bad, spec("good")});
  const client::Ended hung = begin("bad__hang");
  expectGoodIsWell();
  ASSERT_TRUE(until([&] { return !hung.all.empty(); }));
  EXPECT_NE(textOf(hung.value()).find("was not answered within 200 ms"), std::string::npos);
}

TEST_F(Misbehaving, AServerThatFloodsLeavesRoomForTheOthers) {
  MountSpec bad = spec("bad");
  bad.timeout_s = 1;
  mount({bad, spec("good")});
  const client::Ended flooded = begin("bad__flood");
  for (int i = 0; i < 20; ++i) expectGoodIsWell();
  ASSERT_TRUE(until([&] { return !flooded.all.empty(); }));
  EXPECT_EQ(flooded.value().at("isError"), true);
}

TEST_F(Misbehaving, AServerThatPrintsGarbageIsGivenUp) {
  mount({spec("bad", {"--garbage"}), spec("good")});
  // By now it may have been started again already.
  EXPECT_TRUE(until([&] { return health().state == MountState::Waiting; }));
  ASSERT_TRUE(until([&] { return health().starts >= 2; }));
  EXPECT_EQ(health().tools, 0U);
  expectGoodIsWell();
}

TEST_F(Misbehaving, AServerThatLiesAboutItsOutputFailsThatCall) {
  mount({spec("bad")});
  const Json lied = call("bad__lie");
  EXPECT_EQ(lied.at("isError"), true);
  EXPECT_NE(textOf(lied).find("misses its output schema"), std::string::npos);
  EXPECT_EQ(textOf(call("bad__echo", {{"text", "true"}})), "true");
}

TEST_F(Misbehaving, AServerWhoseListNeverEndsOffersNothing) {
  mount({spec("bad", {"--circles"}), spec("good")});
  EXPECT_NE(health().problem.find("cannot be listed"), std::string::npos);
  EXPECT_EQ(health().tools, 0U);
  expectGoodIsWell();
}

TEST_F(Misbehaving, ToolsAboveTheLimitAreLeftOutAndThatIsSaid) {
  MountSpec many = spec("many", {"--tools", "100"});
  many.limits.tools_max = 20;
  mount({many});
  EXPECT_EQ(health().tools, 20U);
  EXPECT_NE(health().left_out.back().find("tools_max is 20"), std::string::npos);
}

TEST_F(Misbehaving, CallsAboveTheLimitFailAtOnce) {
  MountSpec made = spec("fake");
  made.limits.in_flight_max = 1;
  mount({made});
  const client::Ended slow = begin("fake__slow");
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  EXPECT_NE(textOf(call("fake__echo", {{"text", "x"}})).find("in_flight_max"), std::string::npos);
}

TEST_F(Misbehaving, AnEntryThatIsWrongIsBrokenAndTheOthersAreMounted) {
  MountSpec wrong;
  wrong.name = "wrong";
  wrong.problem = "'command' is missing";
  mount({wrong, spec("good")});
  EXPECT_EQ(health().state, MountState::Broken);
  EXPECT_EQ(health().problem, "'command' is missing");
  expectGoodIsWell();
}

}  // namespace
}  // namespace tutti::toolhost
