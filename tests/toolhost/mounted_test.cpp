// Mounted servers that behave.
#include "server/transport/transport.hpp"
#include "tests/toolhost/world.hpp"

namespace tutti::toolhost {
namespace {

TEST_F(MountedTest, ToolsAreOfferedUnderThePrefixInTheOrderOfTheFile) {
  MountSpec few = spec("two");
  few.tools.allow = {"echo", "fail"};
  few.tools.rename = {{"fail", "break"}};
  MountSpec slow_to_start = spec("one", {"--die-of-probe"});  // ready after the other
  slow_to_start.tools.allow = {"echo", "finish"};
  mount({slow_to_start, few});
  ASSERT_TRUE(until([&] { return health(0).state == MountState::Ready && health(0).tools == 2; }));
  ASSERT_TRUE(until([&] { return sink.changes >= 2; }));
  EXPECT_EQ(names(), (std::vector<std::string>{"echo", "one__echo", "one__finish", "two__echo",
                                               "two__break"}));
  EXPECT_EQ(call("one__echo", {{"text", "hi"}}).at("structuredContent"), Json({{"text", "hi"}}));
}

TEST_F(MountedTest, AResultComesThroughAsItWasGiven) {
  mount({spec("fake")});
  const Json blocks = call("fake__blocks").at("content");
  ASSERT_EQ(blocks.size(), 3U);
  EXPECT_EQ(blocks[0], Json({{"type", "image"}, {"data", "aGk="}, {"mimeType", "image/png"}}));
  EXPECT_EQ(blocks[1].at("resource").at("text"), "t");
  EXPECT_EQ(blocks[2].at("type"), "text");
  const Json failed = call("fake__fail");
  EXPECT_EQ(failed.at("isError"), true);
  EXPECT_EQ(textOf(failed), "it did not work");
}

TEST_F(MountedTest, ArgumentsAreCheckedWhereTheSchemaCompiles) {
  mount({spec("fake")});
  const Json wrong = call("fake__echo", {{"text", 1}});
  EXPECT_EQ(wrong.at("isError"), true);
  EXPECT_NE(textOf(wrong).find("miss its schema"), std::string::npos);
  EXPECT_EQ(health().calls_ok + health().calls_failed, 0);
  EXPECT_EQ(textOf(call("fake__odd_schema", {{"a", 1}})), R"({"a":1})");
  EXPECT_EQ(health().left_out.size(), 1U);
}

TEST_F(MountedTest, ProgressAndCancellationPassThrough) {
  MountSpec made = spec("fake", {"--notes", (folder / "notes").string()});
  mount({made});
  std::vector<std::string> steps;
  const client::Ended ended =
      begin("fake__slow", Json::object(),
            {.on_progress = [&](const client::Progress& p) { steps.push_back(p.message); }});
  ASSERT_TRUE(until([&] { return steps.size() == 2; }));
  EXPECT_EQ(steps[1], "step 2");
  EXPECT_EQ(health().in_flight, 1U);
  caller->cancel(ticket, "enough");
  EXPECT_TRUE(until([&] { return notes("notes").find("cancelled") != std::string::npos; }));
  EXPECT_TRUE(until([&] { return health().in_flight == 0; }));
}

TEST_F(MountedTest, AQuestionGoesToTheCallerWhoseCallCausedIt) {
  mount({spec("fake")});
  const client::Ended ended = begin("fake__ask");
  ASSERT_TRUE(until([&] { return told.questions.size() == 1; }));
  EXPECT_EQ(told.questions[0]->params().at("message"), "What is your name?");
  EXPECT_EQ(told.questions[0]->cause(), ticket);
  told.questions[0]->answer({{"action", "accept"}, {"content", {{"name", "Ada"}}}});
  ASSERT_TRUE(until([&] { return !ended.all.empty(); }));
  EXPECT_EQ(textOf(ended.value()), R"(answered: {"action":"accept","content":{"name":"Ada"}})");
}

TEST_F(MountedTest, ALegacyCallerIsAskedByARequestOfItsOwn) {
  mount({spec("fake")}, client::Era::Legacy);
  const client::Ended ended = begin("fake__ask");
  ASSERT_TRUE(until([&] { return told.questions.size() == 1; }));
  told.questions[0]->answer({{"action", "decline"}});
  ASSERT_TRUE(until([&] { return !ended.all.empty(); }));
  EXPECT_EQ(textOf(ended.value()), R"(answered: {"action":"decline"})");
}

TEST_F(MountedTest, WithTwoCallsUnderWayAQuestionOfOneIsRefusedRatherThanMisdirected) {
  mount({spec("fake")});
  const client::Ended slow = begin("fake__slow");
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  const Json asked = call("fake__ask");
  EXPECT_EQ(textOf(asked).substr(0, 8), "refused:");
  EXPECT_TRUE(told.questions.empty());
}

TEST_F(MountedTest, ToolsThatComeAndGoAreTold) {
  mount({spec("fake")});
  const std::size_t before = names().size();
  told.changed.clear();
  call("fake__extra");
  ASSERT_TRUE(until([&] { return names().size() == before + 1; }));
  EXPECT_FALSE(told.changed.empty());
  call("fake__extra");
  ASSERT_TRUE(until([&] { return names().size() == before; }));
}

TEST_F(MountedTest, ACallThatComesTooEarlyWaitsForItsServer) {
  mount({spec("fake")});
  call("fake__crash");
  ASSERT_TRUE(until([&] { return health().state == MountState::Starting; }));
  EXPECT_EQ(textOf(call("fake__echo", {{"text", "patient"}})), "patient");
}

TEST_F(MountedTest, LimitsAndEnvironmentAreThoseOfTheFile) {
  MountSpec made = spec("fake");
  made.limits.process.open_files = 33;
  made.environment = {"PATH=/usr/bin:/bin", "TOKEN=abc"};
  mount({made});
  EXPECT_EQ(call("fake__environment").at("structuredContent"),
            Json({{"PATH", "/usr/bin:/bin"}, {"TOKEN", "abc"}}));
  const Json limits = call("fake__limits").at("structuredContent");
  EXPECT_EQ(limits.at("open_files"), 33);
  EXPECT_EQ(limits.at("group"), limits.at("pid"));
}

TEST_F(MountedTest, AServerOverHttpIsMountedLikeAnyOther) {
  fixture::Held held;
  mcp::Server other(fixture::options());
  fixture::addTools(other, held);
  transport::HttpOptions http_options;
  http_options.port = 0;
  transport::HttpServer http(io, other, http_options);
  ASSERT_TRUE(http.start().ok());
  MountSpec made;
  made.name = "web";
  made.kind = MountSpec::Kind::Http;
  made.url = "http://127.0.0.1:" + std::to_string(http.port()) + "/mcp";
  mount({made});
  EXPECT_EQ(health().revision, "2026-07-28");
  EXPECT_EQ(call("web__echo", {{"text", "hi"}}).at("structuredContent"), Json({{"text", "hi"}}));
  std::vector<std::string> steps;
  const client::Ended slow =
      begin("web__slow", Json::object(),
            {.on_progress = [&](const client::Progress& p) { steps.push_back(p.message); }});
  ASSERT_TRUE(until([&] { return steps.size() == 2; }));
  caller->cancel(ticket, "enough");
  EXPECT_TRUE(until([&] { return held.cancelled == 1; }));
  ASSERT_TRUE(other.removeTool("blob"));
  other.toolsChanged();
  EXPECT_TRUE(until([&] { return health().tools == 5; }));
  host.reset();
}

TEST_F(MountedTest, NothingOfAServerIsLeftWhenItIsUnmounted) {
  mount({spec("fake")});
  const int server_pid = call("fake__limits").at("structuredContent").at("pid").get<int>();
  const int grandchild = std::stoi(textOf(call("fake__spawn")));
  const int guard = health().pid;
  for (const int pid : {server_pid, grandchild, guard}) EXPECT_TRUE(alive(pid)) << pid;
  pids = {server_pid, grandchild, guard};
  host.reset();
}

}  // namespace
}  // namespace tutti::toolhost
