// The same handlers for clients without rounds: real requests on the call's own stream.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/elicitations.hpp"
#include "tests/mcp/client.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::mcp {
namespace {

using fixture::accepted;
using fixture::answerTo;
using fixture::hello;
using fixture::legacyCall;

class LegacyInputTest : public testing::Test {
 protected:
  LegacyInputTest() : server_(withClock()) {
    log::configure(log::Level::Off);
    fixture::addMoreTools(server_);
    client_ = std::make_unique<fixture::StreamClient>(server_);
  }
  ServerOptions withClock() {
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.in_flight_max = 4;
    return options;
  }
  std::string textOf(const Json& frame) {
    return frame["result"]["content"][0]["text"].get<std::string>();
  }

  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  Server server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(LegacyInputTest, TheClientIsAskedUntilTheHandlerHasAll) {
  client_->ask(hello("2025-11-25"));
  const Json name = client_->ask(legacyCall(7, "ask", {{"greeting", "Hi, "}}));
  EXPECT_EQ(name["method"], "elicitation/create");
  EXPECT_EQ(name["params"]["mode"], "form");
  const Json color = client_->ask(answerTo(name, accepted("name", "Ada")));
  EXPECT_EQ(color["params"]["message"], "color?");
  EXPECT_NE(color["id"], name["id"]);
  const Json done = client_->ask(answerTo(color, accepted("color", "red")));
  EXPECT_EQ(done["id"], 7);
  EXPECT_EQ(textOf(done), "Hi, Ada likes red, round 3");
  EXPECT_FALSE(done["result"].contains("resultType"));
  EXPECT_TRUE(client_->connection().idle());
}

TEST_F(LegacyInputTest, ModesAreLeftOutBeforeTheyExisted) {
  client_->ask(hello("2025-06-18"));
  EXPECT_FALSE(client_->ask(legacyCall(1, "ask"))["params"].contains("mode"));
}

TEST_F(LegacyInputTest, ARevisionWithoutElicitationFailsTheCallAndNamesIt) {
  client_->ask(hello("2025-03-26"));
  const Json frame = client_->ask(legacyCall(1, "ask"));
  EXPECT_EQ(frame["result"]["isError"], true);
  EXPECT_NE(textOf(frame).find("{\"elicitation\":{\"form\":{}}}"), std::string::npos);
}

TEST_F(LegacyInputTest, SeveralQuestionsGoOutAtOnceAndAnswersComeInAnyOrder) {
  client_->ask(hello("2025-11-25"));
  const Json user = client_->ask(legacyCall(1, "ask_all"));
  const Json model = client_->next();
  const Json roots = client_->next();
  EXPECT_EQ(model["method"], "sampling/createMessage");
  EXPECT_EQ(roots["method"], "roots/list");
  client_->send(answerTo(roots, {{"roots", Json::array()}}));
  client_->send(answerTo(model, {{"model", "m"}}));
  client_->send(answerTo(model, {{"model", "twice"}}));
  EXPECT_EQ(client_->next(), Json());
  const Json done = client_->ask(answerTo(user, {{"action", "cancel"}}));
  EXPECT_EQ(done["result"]["structuredContent"]["model"]["model"], "m");
}

TEST_F(LegacyInputTest, PromptsAndResourcesAskAsToolsDo) {
  fixture::addAskingOffers(server_);
  client_->ask(hello("2025-06-18"));
  const auto ask = [this](int id, const std::string& method, Json params) {
    const Json asked = client_->ask(fixture::legacyRequest(id, method, std::move(params)));
    EXPECT_EQ(asked["method"], "elicitation/create");
    return client_->ask(answerTo(asked, accepted("name", "Ada")));
  };
  const Json prompt =
      ask(1, "prompts/get", {{"name", "greet"}, {"arguments", {{"greeting", "Oh"}}}});
  EXPECT_EQ(prompt["result"]["messages"][0]["content"]["text"], "Oh, Ada");
  const Json read = ask(2, "resources/read", {{"uri", "test://asked"}});
  EXPECT_EQ(read["result"]["contents"][0]["text"], "Ada");
  EXPECT_EQ(read["id"], 2);
}

TEST_F(LegacyInputTest, APromptWhoseClientCannotAnswerIsAnError) {
  fixture::addAskingOffers(server_);
  client_->ask(hello("2024-11-05"));
  const Json frame = client_->ask(fixture::legacyRequest(1, "prompts/get", {{"name", "greet"}}));
  EXPECT_EQ(frame["error"]["data"]["name"], "missing_client_capability");
}

TEST_F(LegacyInputTest, APageHasAnIdInTheRevisionThatKnowsThem) {
  client_->ask(hello("2025-11-25"));
  const Json asked = client_->ask(legacyCall(1, "visit"))["params"];
  EXPECT_EQ(asked["mode"], "url");
  EXPECT_EQ(asked["elicitationId"], "e1");
  fixture::StreamClient older(server_);
  older.ask(hello("2025-06-18"));
  EXPECT_EQ(older.ask(legacyCall(1, "visit"))["result"]["isError"], true);
}

TEST_F(LegacyInputTest, PagesThatMustBeVisitedFirstAreAnErrorThatNamesThem) {
  client_->ask(hello("2025-11-25"));
  const Json error = client_->ask(legacyCall(1, "sign_in"))["error"];
  EXPECT_EQ(error["code"], -32042) << error.dump();
  const Json pages = error["data"]["elicitations"];
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0], Json({{"mode", "url"},
                            {"elicitationId", "page-1"},
                            {"url", "https://example.org/sign-in"},
                            {"message", "Sign in"}}));
  EXPECT_TRUE(client_->connection().idle());
  EXPECT_EQ(textOf(client_->ask(legacyCall(2, "sign_in", {{"signed_in", true}}))), "signed in");
}

TEST_F(LegacyInputTest, WhoCannotOpenPagesIsToldWhatIsMissing) {
  client_->ask(hello("2025-11-25", {{"elicitation", Json::object()}}));
  const Json frame = client_->ask(legacyCall(1, "sign_in"));
  EXPECT_EQ(frame["result"]["isError"], true) << frame.dump();
  EXPECT_NE(textOf(frame).find("url"), std::string::npos);
  fixture::StreamClient older(server_);
  older.ask(hello("2025-06-18"));
  EXPECT_EQ(older.ask(legacyCall(1, "sign_in"))["result"]["isError"], true);
}

TEST_F(LegacyInputTest, OnlyTheClientThatWasSentToAPageHearsThatItIsDone) {
  client_->ask(hello("2025-11-25"));
  fixture::StreamClient other(server_);
  other.ask(hello("2025-11-25"));
  client_->ask(legacyCall(1, "sign_in"));
  const Json asked = other.ask(legacyCall(1, "visit"));
  EXPECT_EQ(asked["params"]["elicitationId"], "e1");
  EXPECT_TRUE(server_.elicitationComplete("page-1"));
  EXPECT_EQ(client_->next(), Json({{"jsonrpc", "2.0"},
                                   {"method", "notifications/elicitation/complete"},
                                   {"params", {{"elicitationId", "page-1"}}}}));
  EXPECT_EQ(other.next(), Json());
  EXPECT_TRUE(server_.elicitationComplete("e1"));
  EXPECT_EQ(other.next()["params"]["elicitationId"], "e1");
  EXPECT_FALSE(server_.elicitationComplete("page-1")) << "told once";
  EXPECT_FALSE(server_.elicitationComplete("unknown"));
  client_->leave();
  EXPECT_FALSE(server_.elicitationComplete("page-2")) << "the client is gone";
}

TEST(ElicitationsTest, TheOldestAreForgottenFirst) {
  const auto peer = std::make_shared<Peer>(4);
  peer->negotiated = Revision::k2025_11_25;
  int told = 0;
  peer->unsolicited = [&](const std::string&) { ++told; };
  Elicitations elicitations(2);
  for (const char* id : {"a", "b", "b", "c"}) elicitations.add(id, peer);
  EXPECT_FALSE(elicitations.complete("a"));
  EXPECT_TRUE(elicitations.complete("b"));
  EXPECT_TRUE(elicitations.complete("c"));
  EXPECT_EQ(told, 2);
}

TEST_F(LegacyInputTest, AnErrorForAnAnswerFailsTheCallAndWithdrawsTheRest) {
  client_->ask(hello("2025-11-25"));
  const Json user = client_->ask(legacyCall(1, "ask_all"));
  const Json model = client_->next();
  const Json roots = client_->next();
  client_->send({{"jsonrpc", "2.0"},
                 {"id", model["id"]},
                 {"error", {{"code", -1}, {"message", "User rejected sampling request"}}}});
  const Json first = client_->next();
  const Json second = client_->next();
  EXPECT_EQ(first["method"], "notifications/cancelled");
  EXPECT_EQ(second["method"], "notifications/cancelled");
  const Json failed = client_->next();
  EXPECT_EQ(failed["result"]["isError"], true);
  EXPECT_NE(textOf(failed).find("User rejected sampling request"), std::string::npos);
  client_->send(answerTo(user, accepted("name", "late")));
  EXPECT_EQ(client_->next(), Json());
}

TEST_F(LegacyInputTest, AnAnswerHasALimitedTime) {
  client_->ask(hello("2025-11-25"));
  const Json asked = client_->ask(legacyCall(1, "ask"));
  clock_->pass(std::chrono::seconds(599));
  EXPECT_EQ(client_->next(), Json());
  clock_->pass(std::chrono::seconds(1));
  const Json withdrawn = client_->next();
  EXPECT_EQ(withdrawn["params"]["requestId"], asked["id"]);
  EXPECT_NE(textOf(client_->next()).find("input_wait_max_s (600 s)"), std::string::npos);
}

TEST_F(LegacyInputTest, RoundsAreLimited) {
  client_->ask(hello("2025-11-25"));
  Json frame = client_->ask(legacyCall(1, "insist"));
  int rounds = 0;
  for (; frame.contains("method") && rounds < 20; ++rounds)
    frame = client_->ask(answerTo(frame, accepted("name", "Ada")));
  EXPECT_EQ(rounds, 8);
  EXPECT_NE(textOf(frame).find("input_rounds_max (8)"), std::string::npos);
}

TEST_F(LegacyInputTest, RoundsWithoutAQuestionNeedNoClient) {
  client_->ask(hello("2024-11-05"));
  EXPECT_EQ(textOf(client_->ask(legacyCall(1, "come_again"))), "there");
}

TEST_F(LegacyInputTest, CancellingTheCallWithdrawsTheQuestion) {
  client_->ask(hello("2025-11-25"));
  const Json asked = client_->ask(legacyCall(1, "ask"));
  const Json withdrawn = client_->ask(
      {{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}});
  EXPECT_EQ(withdrawn["method"], "notifications/cancelled");
  EXPECT_EQ(withdrawn["params"]["requestId"], asked["id"]);
  EXPECT_EQ(client_->ask(answerTo(asked, accepted("name", "late"))), Json());
  EXPECT_TRUE(client_->connection().idle());
}

TEST_F(LegacyInputTest, TheIdOfAWaitingCallIsTaken) {
  client_->ask(hello("2025-11-25"));
  client_->ask(legacyCall(1, "ask"));
  EXPECT_EQ(client_->ask(legacyCall(1, "ask"))["error"]["code"], -32600);
}

TEST_F(LegacyInputTest, WhenTheInputEndsNobodyWaitsForAnswers) {
  client_->ask(hello("2025-11-25"));
  client_->ask(legacyCall(1, "ask"));
  client_->connection().inputEnded();
  EXPECT_NE(textOf(client_->next()).find("the client closed its input"), std::string::npos);
  EXPECT_TRUE(client_->connection().idle());
}

TEST_F(LegacyInputTest, UnansweredQuestionsAreLimited) {
  client_->ask(hello("2025-11-25"));
  client_->ask(legacyCall(1, "ask_all"));
  client_->next();
  client_->next();
  const Json refused = client_->ask(legacyCall(2, "ask_all"));
  EXPECT_NE(textOf(refused).find("in_flight_max (4)"), std::string::npos);
  EXPECT_EQ(client_->next(), Json()) << "nothing was asked, so there is nothing to withdraw";
}

TEST_F(LegacyInputTest, AClientThatLeavesTakesItsQuestionsAlong) {
  client_->ask(hello("2025-11-25"));
  client_->ask(legacyCall(1, "ask"));
  client_->leave();
}

TEST(LegacyInputHttp, QuestionsGoOnTheStreamOfTheCallAndAnswersArePosted) {
  fixture::HttpFixture http;
  fixture::addMoreTools(http.server());
  const std::string session = http.open("2025-11-25", fixture::everyCapability());
  const auto stream = http.post(legacyCall(1, "ask"), {{"Mcp-Session-Id", session}});
  ASSERT_EQ(stream->events.size(), 1U);
  const Json asked = Json::parse(stream->events.back());
  const std::string other = http.open("2025-11-25", fixture::everyCapability());
  const Json answer = answerTo(asked, accepted("name", "Ada"));
  EXPECT_EQ(http.post(answer, {{"Mcp-Session-Id", other}})->status, 202);
  EXPECT_EQ(stream->events.size(), 1U) << "another session's answer must not count";

  EXPECT_EQ(http.post(answer, {{"Mcp-Session-Id", session}})->status, 202);
  ASSERT_EQ(stream->events.size(), 2U);
  http.post(answerTo(Json::parse(stream->events.back()), accepted("color", "red")),
            {{"Mcp-Session-Id", session}});
  ASSERT_EQ(stream->events.size(), 3U);
  EXPECT_EQ(Json::parse(stream->events.back())["id"], 1);
  EXPECT_TRUE(stream->done);
}

}  // namespace
}  // namespace tutti::mcp
