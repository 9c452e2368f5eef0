// A mounted server that is reached through the copy that one process runs for all.
#include <algorithm>

#include "server/base/file.hpp"
#include "server/toolhost/share.hpp"
#include "tests/toolhost/world.hpp"

namespace tutti::toolhost {
namespace {

class SharedTest : public MountedTest {
 protected:
  void SetUp() override {
    MountedTest::SetUp();
    options.share_folder = folder / "mounts";
  }
  void TearDown() override {
    other.reset();
    MountedTest::TearDown();
  }
  /// A second process, as far as the first can tell.
  void mountElsewhere(MountSpec made) {
    std::vector<MountSpec> specs;
    specs.push_back(std::move(made));
    other = std::make_unique<ToolHost>(io, std::move(specs), options, other_sink);
    other->start();
    ASSERT_TRUE(until([&] { return other->health()[0].state == MountState::Ready; }));
  }
  mcp::Server other_server{mcp::ServerOptions{}};
  CountingSink other_sink{other_server};
  std::unique_ptr<ToolHost> other;
};

TEST_F(SharedTest, TheOtherProcessFiltersAndNamesTheToolsItsOwnWay) {
  mountElsewhere(spec("fake"));
  MountSpec few = spec("fake");
  few.tools.allow = {"echo", "fail"};
  few.tools.rename = {{"fail", "break"}};
  mount({few});
  EXPECT_EQ(names(), (std::vector<std::string>{"echo", "fake__echo", "fake__break"}));
  EXPECT_EQ(call("fake__echo", {{"text", "hi"}}).at("structuredContent"), Json({{"text", "hi"}}));
  EXPECT_EQ(health().pid, other->health()[0].pid);
}

TEST_F(SharedTest, ProgressAndCancellationPassThroughBothHops) {
  MountSpec made = spec("fake", {"--notes", (folder / "notes").string()});
  mountElsewhere(made);
  mount({made});
  std::vector<std::string> steps;
  const client::Ended ended =
      begin("fake__slow", Json::object(),
            {.on_progress = [&](const client::Progress& p) { steps.push_back(p.message); }});
  ASSERT_TRUE(until([&] { return steps.size() == 2; }));
  caller->cancel(ticket, "enough");
  EXPECT_TRUE(until([&] { return notes("notes").find("cancelled") != std::string::npos; }));
  EXPECT_TRUE(until([&] { return health().in_flight == 0; }));
  pids.push_back(health().pid);  // it writes its notes to the end
}

TEST_F(SharedTest, AQuestionComesBackThroughBothHops) {
  mountElsewhere(spec("fake"));
  mount({spec("fake")});
  const client::Ended ended = begin("fake__ask");
  ASSERT_TRUE(until([&] { return told.questions.size() == 1; }));
  EXPECT_EQ(told.questions[0]->params().at("message"), "What is your name?");
  told.questions[0]->answer({{"action", "accept"}, {"content", {{"name", "Ada"}}}});
  ASSERT_TRUE(until([&] { return !ended.all.empty(); }));
  EXPECT_EQ(textOf(ended.value()), R"(answered: {"action":"accept","content":{"name":"Ada"}})");
}

TEST_F(SharedTest, TheOneThatIsLeftTakesOver) {
  mountElsewhere(spec("fake"));
  mount({spec("fake")});
  const int before = health().pid;
  other.reset();
  EXPECT_TRUE(until([&] { return health().pid != before && health().pid != 0; }));
  ASSERT_TRUE(until([&] { return health().state == MountState::Ready; }));
  EXPECT_EQ(call("fake__echo", {{"text", "hi"}}).at("structuredContent"), Json({{"text", "hi"}}));
}

TEST_F(SharedTest, AnOwnerThatTakesLongToStartTheServerIsWaitedForWhileItSaysSo) {
  // Far above what a busy machine keeps this process waiting: its owner is the same process here.
  options.owner_silent_max_ms = 2'000;
  const MountSpec made = spec("fake", {"--gate", (folder / "gate").string()});
  std::ofstream(folder / "gate") << "closed";
  other = std::make_unique<ToolHost>(io, std::vector<MountSpec>{made}, options, other_sink);
  other->start();
  ASSERT_TRUE(until([&] { return other->health()[0].owner_pid != 0; }));
  host = std::make_unique<ToolHost>(io, std::vector<MountSpec>{made}, options, sink);
  host->start();
  ASSERT_TRUE(until([&] { return health().starts > 0; }));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(2'500);
  ASSERT_TRUE(until([&] {
    return std::chrono::steady_clock::now() > limit || health().state != MountState::Starting;
  }));
  EXPECT_EQ(health().note, "");
  std::filesystem::remove(folder / "gate");
  ASSERT_TRUE(until([&] { return health().state == MountState::Ready && health().tools > 0; }));
  EXPECT_EQ(health().pid, other->health()[0].pid);
}

TEST_F(SharedTest, AnOwnerThatNeverAcceptsIsNotWaitedForEither) {
  options.owner_silent_max_ms = 100;
  const MountSpec made = spec("fake");
  std::filesystem::create_directories(options.share_folder);
  const auto lock = tryLockFile(options.share_folder / (shareKey(made) + ".lock"));
  ASSERT_TRUE(lock.ok() && *lock);
  mount({made});
  ASSERT_TRUE(until([&] { return health().state == MountState::Ready; }));
  EXPECT_EQ(health().owner_pid, 0);
  EXPECT_NE(health().note, "");
  EXPECT_EQ(call("fake__echo", {{"text", "hi"}}).at("structuredContent"), Json({{"text", "hi"}}));
}

TEST_F(SharedTest, AListThatChangesIsTakenOverByAll) {
  mountElsewhere(spec("fake"));
  mount({spec("fake")});
  call("fake__extra");
  EXPECT_TRUE(until([&] { return sink.changes >= 2 && other_sink.changes >= 2; }));
  const auto found = names();
  EXPECT_NE(std::find(found.begin(), found.end(), "fake__came_later"), found.end());
}

TEST_F(SharedTest, AServerThatCannotStartIsSaidToAllWithItsReason) {
  const MountSpec made = spec("fake", {"--exit", "3", "--stderr", "no such thing"});
  host = std::make_unique<ToolHost>(io, std::vector<MountSpec>{made}, options, sink);
  other = std::make_unique<ToolHost>(io, std::vector<MountSpec>{made}, options, other_sink);
  host->start();
  other->start();
  for (const auto* each : {&host, &other})
    EXPECT_TRUE(until([&] {
      const MountHealth seen = (*each)->health()[0];
      return seen.state == MountState::Waiting &&
             seen.problem.find("no such thing") != std::string::npos;
    }));
}

TEST_F(SharedTest, TheKeyTellsCopiesApartByAllThatMakesThem) {
  const MountSpec made = spec("fake");
  MountSpec other_environment = made;
  other_environment.environment = {"PATH=/bin"};
  MountSpec other_arguments = made;
  other_arguments.arguments = {"--tools", "3"};
  MountSpec other_filter = made;
  other_filter.tools.deny = {"echo"};
  EXPECT_NE(shareKey(made), shareKey(other_environment));
  EXPECT_NE(shareKey(made), shareKey(other_arguments));
  EXPECT_EQ(shareKey(made), shareKey(other_filter));
  EXPECT_EQ(shareKey(made).size(), 32U);
}

}  // namespace
}  // namespace tutti::toolhost
