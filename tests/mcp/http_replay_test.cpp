// Event streams of 2025-11-25 that a client takes up again.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/http/replay.hpp"
#include "tests/mcp/client.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::mcp {
namespace {

using fixture::legacyCall;
using fixture::RecordedReply;

class ReplayTest : public testing::Test {
 protected:
  explicit ReplayTest(http::EndpointOptions options = {}) : http_(options) {
    log::configure(log::Level::Off);
    fixture::addMoreTools(http_.server(), &http_.held);
  }
  std::shared_ptr<RecordedReply> call(const std::string& session, int id, const std::string& tool,
                                      Json arguments = Json::object()) {
    return http_.post(legacyCall(id, tool, std::move(arguments)), {{"Mcp-Session-Id", session}});
  }
  fixture::HttpFixture http_;
};

TEST_F(ReplayTest, AStreamBeginsWithAnEmptyEventThatNamesIt) {
  const auto stream = call(http_.open(), 1, "slow");
  EXPECT_EQ(stream->ids, (std::vector<std::string>{"1_0", "1_1"}));
  EXPECT_EQ(stream->events.size(), 1U);
  http_.held.finishOne();
  EXPECT_EQ(stream->ids.back(), "1_2");
  EXPECT_TRUE(stream->done);
}

TEST_F(ReplayTest, OlderRevisionsGetNoIdsSinceTheyReadAnEmptyEventAsAMessage) {
  const auto stream = call(http_.open("2025-06-18"), 1, "slow");
  EXPECT_TRUE(stream->ids.empty());
  http_.held.finishOne();
}

TEST_F(ReplayTest, AnAnswerWithoutAStreamIsPlainJson) {
  EXPECT_FALSE(call(http_.open(), 1, "echo", {{"text", "x"}})->stream);
}

TEST_F(ReplayTest, AReleasedClientComesBackForItsAnswer) {
  const std::string session = http_.open();
  const auto before = call(session, 7, "detached");
  EXPECT_TRUE(before->done);
  EXPECT_EQ(before->retry_ms, 500);
  ASSERT_FALSE(before->ids.empty());
  const auto waiting = http_.get(session, before->ids.back());
  EXPECT_TRUE(waiting->stream);
  EXPECT_FALSE(waiting->done);
  http_.held.finishOne();
  ASSERT_EQ(waiting->events.size(), 1U);
  EXPECT_EQ(Json::parse(waiting->events[0])["id"], 7);
  EXPECT_TRUE(waiting->done);

  const auto again = http_.get(session, before->ids.back());
  EXPECT_EQ(again->events, waiting->events) << "the answer is kept for a client that lost it";
  EXPECT_TRUE(again->done);
}

TEST_F(ReplayTest, OnlyTheEventsAfterTheOneNamedAreSentAgain) {
  const std::string session = http_.open();
  const auto stream = call(session, 1, "slow");
  http_.held.finishOne();
  const auto rest = http_.get(session, "1_1");
  EXPECT_EQ(rest->ids, (std::vector<std::string>{"1_2"}));
  EXPECT_EQ(rest->events.front(), stream->events.back());
}

TEST_F(ReplayTest, StreamsAndSessionsAreKeptApart) {
  const std::string session = http_.open();
  const std::string other = http_.open();
  call(session, 1, "slow");
  call(session, 2, "slow");
  http_.held.finishOne();
  http_.held.finishOne();
  const auto second = http_.get(session, "2_0");
  for (const std::string& id : second->ids) EXPECT_EQ(id.substr(0, 2), "2_");
  EXPECT_EQ(http_.get(other, "1_0")->status, 400);
  for (const char* id : {"3_0", "1_3", "1", "_", "1_", "x_1", "1_1x", "-1_0"})
    EXPECT_EQ(http_.get(session, id)->status, 400) << id;
}

TEST_F(ReplayTest, WhoComesBackReplacesWhoWasThere) {
  const std::string session = http_.open();
  const auto first = call(session, 1, "slow");
  const auto second = http_.get(session, "1_1");
  EXPECT_TRUE(first->done);
  http_.held.finishOne();
  EXPECT_EQ(first->events.size(), 1U);
  EXPECT_EQ(second->events.size(), 1U);
}

TEST_F(ReplayTest, EndingTheSessionEndsWhatWasTakenUp) {
  const std::string session = http_.open();
  call(session, 1, "detached");
  const auto waiting = http_.get(session, "1_0");
  http_.send("DELETE", "", {{"Mcp-Session-Id", session}});
  EXPECT_TRUE(waiting->done);
  http_.held.finishOne();
  EXPECT_TRUE(waiting->events.empty());
}

TEST_F(ReplayTest, TheStandaloneStreamIsTakenUpToo) {
  const std::string session = http_.open();
  const auto first = http_.get(session);
  EXPECT_EQ(first->ids, (std::vector<std::string>{"1_0"}));
  http_.server().toolsChanged();
  ASSERT_EQ(first->events.size(), 1U);
  first->gone();
  http_.server().toolsChanged();  // waits, since nobody listens
  const auto second = http_.get(session, "1_0");
  EXPECT_EQ(second->ids, (std::vector<std::string>{"1_1", "1_2"}));
  EXPECT_FALSE(second->done);
  http_.server().toolsChanged();
  EXPECT_EQ(second->ids.back(), "1_3");
  EXPECT_EQ(http_.get(session)->status, 409) << "it is open";
}

TEST_F(ReplayTest, ADeadConnectionDoesNotCloseTheStreamForWhoCameBack) {
  const std::string session = http_.open();
  const auto first = http_.get(session);
  const auto second = http_.get(session, "1_0");
  EXPECT_TRUE(first->done);
  first->gone();
  http_.server().toolsChanged();
  EXPECT_EQ(second->events.size(), 1U);
  EXPECT_TRUE(first->events.empty());
}

TEST_F(ReplayTest, AStreamOpenedAnewHasAnotherNumber) {
  const std::string session = http_.open();
  http_.get(session)->gone();
  EXPECT_EQ(http_.get(session)->ids, (std::vector<std::string>{"2_0"}));
}

struct SmallReplay : ReplayTest {
  static http::EndpointOptions small() {
    http::EndpointOptions options;
    options.session_replay_bytes_max = 600;
    return options;
  }
  SmallReplay() : ReplayTest(small()) {}
};

TEST_F(SmallReplay, TheOldestEventsGoFirstAndAGapIsNotPassedOver) {
  const std::string session = http_.open();
  for (int id = 1; id <= 4; ++id) {
    call(session, id, "slow");
    http_.held.finishOne();
  }
  EXPECT_EQ(http_.get(session, "1_0")->status, 400);
  EXPECT_EQ(http_.get(session, "4_1")->events.size(), 1U);
}

TEST(ReplayBudgetTest, SessionsShareOneBoundAndGiveBackWhatTheyHeld) {
  const auto budget = std::make_shared<http::ReplayBudget>(http::ReplayBudget{1000});
  auto first = std::make_unique<http::Replay>(budget, http::ReplayLimits{});
  http::Replay second(budget, http::ReplayLimits{});
  first->send(first->open(std::make_shared<RecordedReply>()), std::string(800, 'x'));
  const auto lost = second.open(std::make_shared<RecordedReply>());
  second.send(lost, std::string(800, 'y'));
  EXPECT_FALSE(second.resume("1_0", std::make_shared<RecordedReply>()));
  EXPECT_TRUE(second.resume("1_1", std::make_shared<RecordedReply>()));
  EXPECT_EQ(second.bytes(), 0U);
  first = nullptr;
  EXPECT_EQ(budget->bytes, 0U);
}

}  // namespace
}  // namespace tutti::mcp
