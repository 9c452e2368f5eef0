// What servers ask of a client: by requests of their own, and in rounds of one request.
#include "tests/mcp/client_fixture.hpp"

namespace tutti::mcp::client {
namespace {

const Json kElicit = {{"message", "Sure?"}, {"requestedSchema", {{"type", "object"}}}};

class LegacyQuestions : public ScriptedClient {
 protected:
  void SetUp() override {
    open();
    becomeLegacy();
  }
  void ask(const std::string& method, const Json& params, const Json& id = 7) {
    give({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
  }
};

TEST_F(LegacyQuestions, APingIsAnsweredAtOnce) {
  ask("ping", Json::object(), "p");
  EXPECT_EQ(next(), Json({{"jsonrpc", "2.0"}, {"id", "p"}, {"result", Json::object()}}));
}

TEST_F(LegacyQuestions, PagesThatACallNeedsAreNamedByItsErrorAndTheirEndIsToldOnce) {
  Ended ended;
  client->call({"book"}, {}, ended.done());
  const Json data{{"elicitations",
                   {{{"mode", "url"},
                     {"elicitationId", "e1"},
                     {"url", "https://example.org/"},
                     {"message", "Sign in"}},
                    {{"mode", "form"}, {"elicitationId", "e2"}, {"url", "x"}}}}};
  give({{"jsonrpc", "2.0"},
        {"id", next().at("id")},
        {"error", {{"code", -32042}, {"message", "visit"}, {"data", data}}}});
  const auto pages = requiredPages(ended.error());
  ASSERT_EQ(pages.size(), 1U) << "only pages can be required";
  EXPECT_EQ(pages[0].url, "https://example.org/");
  for (const char* id : {"e1", "e1", "e2", "unknown"})
    notification("notifications/elicitation/complete", {{"elicitationId", id}});
  EXPECT_EQ(told.visited, (std::vector<std::string>{"e1"}));
  EXPECT_TRUE(requiredPages(Error(Code::Internal, "another")).empty());
}

TEST_F(LegacyQuestions, TheEndOfAVisitThatAQuestionAskedForIsTold) {
  ask("elicitation/create", {{"mode", "url"}, {"elicitationId", "e7"}, {"url", "https://a/"}});
  told.questions.clear();
  notification("notifications/elicitation/complete", {{"elicitationId", "e7"}});
  EXPECT_EQ(told.visited, (std::vector<std::string>{"e7"}));
}

/// The ids of pages that are visited in the end, of those that questions sent to.
class Pages : public ScriptedClient {
 protected:
  void sendTo(const std::vector<std::string>& ids) {
    for (const std::string& id : ids)
      give({{"jsonrpc", "2.0"},
            {"id", ++asked},
            {"method", "elicitation/create"},
            {"params", {{"mode", "url"}, {"elicitationId", id}, {"url", "https://a/"}}}});
    told.questions.clear();
  }
  const std::vector<std::string>& visited(const std::vector<std::string>& ids) {
    for (const std::string& id : ids)
      notification("notifications/elicitation/complete", {{"elicitationId", id}});
    return told.visited;
  }
  int asked = 0;
};

TEST_F(Pages, OfMoreThanElicitationsMaxThoseAreForgottenThatWereNamedLongestAgo) {
  Options options = allOptions();
  options.elicitations_max = 2;
  open(options);
  becomeLegacy();
  sendTo({"a", "b", "a", "c"});
  EXPECT_EQ(visited({"a", "b", "c"}), (std::vector<std::string>{"a", "c"}));
}

TEST_F(Pages, OnlyTheRevisionThatHasThemTellsOfVisits) {
  open();
  refuse(next(), -32601, "Method not found");
  answer(next(), {{"protocolVersion", "2025-06-18"}, {"capabilities", Json::object()}});
  sendTo({"a", ""});
  EXPECT_EQ(visited({"a", ""}), std::vector<std::string>{});
}

TEST_F(Pages, AModernServerTellsOfVisitsIfItIsKnownToKeepTheIds) {
  for (const bool keeps : {false, true}) {
    told = Told();
    channel.sent.clear();
    Options options = allOptions();
    options.keeps_elicitation_ids = keeps;
    open(options);
    becomeModern();
    Ended ended;
    client->call({"book"}, {}, ended.done());
    const Json page = {{"mode", "url"}, {"elicitationId", "a"}, {"url", "https://a/"}};
    answer(next(),
           {{"resultType", "input_required"},
            {"inputRequests", {{"k", {{"method", "elicitation/create"}, {"params", page}}}}}});
    EXPECT_EQ(told.questions.size(), 1U);
    EXPECT_EQ(visited({"a", "a"}).size(), keeps ? 1U : 0U);
    told.questions.clear();
  }
}

TEST_F(LegacyQuestions, AMethodThatIsNotOursIsRefused) {
  ask("tools/list", Json::object());
  EXPECT_EQ(next().at("error").at("code"), -32601);
  EXPECT_TRUE(told.questions.empty());
}

TEST_F(LegacyQuestions, AQuestionMayBeAnsweredLaterAndKnowsItsCause) {
  Ended ended;
  const Ticket ticket = client->call({"book"}, {.time_max_ms = 1'000}, ended.done());
  const Json call = next();
  ask("elicitation/create", kElicit);
  ASSERT_EQ(told.questions.size(), 1U);
  const auto question = std::exchange(told.questions, {}).front();
  EXPECT_EQ(question->method(), Question::Method::Elicit);
  EXPECT_EQ(question->params().at("message"), "Sure?");
  EXPECT_EQ(question->cause(), ticket);
  passMs(600'000);  // somebody thinks: the call's own time does not run
  EXPECT_TRUE(ended.all.empty());
  question->answer({{"action", "accept"}});
  question->answer({{"action", "decline"}});
  EXPECT_EQ(next(), Json({{"jsonrpc", "2.0"}, {"id", 7}, {"result", {{"action", "accept"}}}}));
  EXPECT_TRUE(channel.sent.empty());
  answer(call, {{"content", Json::array()}});
  EXPECT_TRUE(ended.all.at(0).ok());
}

TEST_F(LegacyQuestions, WithTwoCallsUnderWayTheCauseIsUnknownUnlessTheStreamTells) {
  Ended ended;
  const Ticket first = client->call({"a"}, {}, ended.done());
  client->call({"b"}, {}, ended.done());
  const Json a = next();
  ask("sampling/createMessage", Json::object());
  ASSERT_EQ(told.questions.size(), 1U);
  EXPECT_EQ(told.questions[0]->cause(), 0U);
  client->receive(R"({"jsonrpc":"2.0","id":8,"method":"roots/list"})", a.at("id").dump());
  ASSERT_EQ(told.questions.size(), 2U);
  EXPECT_EQ(told.questions[1]->cause(), first);
}

TEST_F(LegacyQuestions, AQuestionThatIsLetGoIsRefused) {
  ask("elicitation/create", kElicit);
  told.questions.clear();
  EXPECT_TRUE(next().contains("error"));
}

TEST_F(LegacyQuestions, AQuestionTakenBackIsNotAnswered) {
  ask("elicitation/create", kElicit);
  int withdrawn = 0;
  told.questions.at(0)->onWithdrawn([&] { ++withdrawn; });
  notification("notifications/cancelled", {{"requestId", 7}});
  EXPECT_EQ(withdrawn, 1);
  told.questions.at(0)->answer({{"action", "accept"}});
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(LegacyQuestions, QuestionsAreBounded) {
  for (int id = 100; id < 164; ++id) ask("elicitation/create", kElicit, id);
  EXPECT_TRUE(channel.sent.empty());
  ask("elicitation/create", kElicit, 164);
  const Json refused = next();
  EXPECT_EQ(refused.at("id"), 164);
  EXPECT_NE(refused.at("error").at("message").get<std::string>().find("questions_max"),
            std::string::npos);
}

class Rounds : public ScriptedClient {
 protected:
  void SetUp() override {
    open();
    becomeModern();
    ticket = client->call({"book"}, {}, ended.done());
  }
  static Json needs(const Json& requests, const std::string& state) {
    Json result = {{"resultType", "input_required"}, {"requestState", state}};
    if (!requests.is_null()) result["inputRequests"] = requests;
    return result;
  }
  Ended ended;
  Ticket ticket = 0;
};

TEST_F(Rounds, TheRequestIsSentAnewWithAllAnswersAndTheState) {
  const Json first = next();
  answer(first, needs({{"a", {{"method", "elicitation/create"}, {"params", kElicit}}},
                       {"b", {{"method", "roots/list"}}}},
                      "s1"));
  ASSERT_EQ(told.questions.size(), 2U);
  EXPECT_EQ(told.questions[0]->cause(), ticket);
  told.questions[1]->answer({{"roots", Json::array()}});
  EXPECT_TRUE(channel.sent.empty());
  told.questions[0]->answer({{"action", "accept"}});
  const Json second = next();
  EXPECT_NE(second.at("id"), first.at("id"));
  EXPECT_EQ(second.at("params").at("name"), "book");
  EXPECT_EQ(second.at("params").at("requestState"), "s1");
  EXPECT_EQ(second.at("params").at("inputResponses"),
            Json({{"a", {{"action", "accept"}}}, {"b", {{"roots", Json::array()}}}}));
  answer(second, {{"resultType", "complete"}, {"content", Json::array()}});
  EXPECT_TRUE(ended.all.at(0).ok());
}

TEST_F(Rounds, WithStateAloneItIsSentAgainAtOnceButNotForEver) {
  for (int round = 0; round < 9; ++round) {
    const Json request = next();
    EXPECT_EQ(request.at("params").contains("requestState"), round > 0);
    EXPECT_FALSE(request.at("params").contains("inputResponses"));
    answer(request, needs(nullptr, "s"));
  }
  EXPECT_EQ(ended.error().name(), "rounds_max");
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(Rounds, ARefusedQuestionEndsTheRequestAndTakesBackTheOthers) {
  answer(
      next(),
      needs({{"a", {{"method", "elicitation/create"}}}, {"b", {{"method", "roots/list"}}}}, "s"));
  int withdrawn = 0;
  told.questions.at(1)->onWithdrawn([&] { ++withdrawn; });
  told.questions.at(0)->refuse(Error(Code::Unavailable, "nobody is there"));
  EXPECT_EQ(ended.error().name(), "input_refused");
  EXPECT_EQ(withdrawn, 1);
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(Rounds, CancellingWhileSomebodyIsAskedSendsNothing) {
  answer(next(), needs({{"a", {{"method", "elicitation/create"}}}}, "s"));
  client->cancel(ticket, "enough");
  EXPECT_EQ(ended.error().code(), Code::Cancelled);
  told.questions.at(0)->answer({{"action", "accept"}});
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(Rounds, AResultTypeThatCannotBeIsAnInvalidAnswer) {
  answer(next(), {{"resultType", "surprise"}});
  EXPECT_EQ(ended.error().name(), "invalid_answer");
}

TEST_F(Rounds, AListCannotNeedInput) {
  next();
  std::vector<Result<std::vector<ListEntry>>> lists;
  client->list(ListKind::Tools, [&](auto list) { lists.push_back(std::move(list)); });
  answer(next(), needs(nullptr, "s"));
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(lists[0].error().name(), "invalid_answer");
}

}  // namespace
}  // namespace tutti::mcp::client
