// What passes through a mount besides tools and resources: logs, questions, roots, prompts in time.
#include "tests/toolhost/world.hpp"

namespace tutti::toolhost {
namespace {

class PassingTest : public MountedTest {
 protected:
  MountSpec made(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"--resources", "1", "--notes",
                                          (folder / "notes").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return spec("fake", arguments);
  }
  bool noted(const std::string& line) {
    return until([&] { return notes("notes").find(line) != std::string::npos; });
  }
  /// The answer to the one question that a call of the tool causes.
  std::string answered(const std::string& tool, client::Question::Method method, Json answer) {
    const client::Ended ended = begin(tool);
    if (!until([&] { return !told.questions.empty(); })) return "not asked";
    EXPECT_EQ(told.questions[0]->method(), method);
    asked = told.questions[0]->params();
    told.questions[0]->answer(std::move(answer));
    if (!until([&] { return !ended.all.empty(); })) return "no result";
    return textOf(ended.value());
  }
  client::Ended getSlowPrompt() {
    client::Ended ended;
    ticket = caller->getPrompt("fake__slow", Json::object(), {}, ended.done());
    return ended;
  }
  void mountPrompts(MountSpec spec) {
    mount({std::move(spec)});
    ASSERT_TRUE(until([&] { return sink.prompt_changes == 1; }));
  }
  Json asked;
  const Json sampled = {
      {"role", "assistant"}, {"content", {{"type", "text"}, {"text", "4"}}}, {"model", "m"}};
};

using Method = client::Question::Method;

class OwnOrShared : public PassingTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    PassingTest::SetUp();
    if (GetParam()) options.share_folder = folder / "mounts";
  }
};
INSTANTIATE_TEST_SUITE_P(Copies, OwnOrShared, ::testing::Bool());

class PassingInEachEra : public PassingTest,
                         public ::testing::WithParamInterface<std::tuple<client::Era, bool>> {
 protected:
  void SetUp() override {
    PassingTest::SetUp();
    if (std::get<1>(GetParam())) options.share_folder = folder / "mounts";
  }
  client::Era era() const { return std::get<0>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Eras, PassingInEachEra,
                         ::testing::Combine(::testing::Values(client::Era::Modern,
                                                              client::Era::Legacy),
                                            ::testing::Bool()));

TEST_P(PassingInEachEra, SamplingReachesTheClientWhoseCallCausedIt) {
  mount({made()}, era());
  const std::string answer = answered("fake__sample", Method::Sample, sampled);
  EXPECT_EQ(answer.substr(0, 10), "answered: ");
  EXPECT_EQ(Json::parse(answer.substr(10)), sampled);
  EXPECT_EQ(asked.at("messages").at(0).at("content").at("text"), "2+2?");
}

TEST_P(PassingInEachEra, ElicitationByUrlReachesTheClientWhoseCallCausedIt) {
  mount({made()}, era());
  EXPECT_EQ(answered("fake__ask_url", Method::Elicit, {{"action", "accept"}}),
            R"(answered: {"action":"accept"})");
  EXPECT_EQ(asked.at("url"), "https://example.com/sign-in");
}

TEST_P(PassingInEachEra, RootsAreThoseOfTheClientWhoseCallAskedForThem) {
  mount({made()}, era());
  EXPECT_EQ(answered("fake__roots", Method::ListRoots, {{"roots", {{{"uri", "file:///mine"}}}}}),
            R"(answered: {"roots":[{"uri":"file:///mine"}]})");
}

TEST_P(PassingInEachEra, AReadMayAskToo) {
  mount({made()}, era());
  ASSERT_TRUE(until([&] { return health().templates == 1; }));
  client::Ended ended;
  caller->readResource("tutti://mounted/fake/note:///ask", {}, ended.done());
  ASSERT_TRUE(until([&] { return !told.questions.empty(); }));
  told.questions[0]->answer(sampled);
  ASSERT_TRUE(until([&] { return !ended.all.empty(); }));
  EXPECT_NE(ended.value().at("contents").at(0).at("text").dump().find("answered:"),
            std::string::npos);
}

TEST_P(OwnOrShared, AClientWithoutRootsLeavesTheServerItsWorkingFolder) {
  client_options.roots = false;
  MountSpec here = made();
  here.folder = folder.string();
  mount({here});
  EXPECT_EQ(textOf(call("fake__roots")),
            R"(answered: {"roots":[{"uri":"file://)" + folder.string() + R"("}]})");
  EXPECT_TRUE(told.questions.empty());
}

TEST_P(OwnOrShared, LogRecordsReachTheCallerThatWantsThemUnderTheServersName) {
  MountSpec secretive = made();
  secretive.secrets = {"s3cret-token"};
  mount({secretive}, client::Era::Legacy);
  call("fake__log", {{"level", "debug"}, {"text", "too fine"}});
  call("fake__log", {{"level", "warning"}, {"text", "key s3cret-token"}});
  ASSERT_TRUE(until([&] { return !told.logs.empty(); }));
  ASSERT_EQ(told.logs.size(), 1U);
  EXPECT_EQ(told.logs[0].level, "warning");
  EXPECT_EQ(told.logs[0].logger, "fake/work");
  EXPECT_EQ(told.logs[0].data, Json({{"said", "key ***"}}));
  EXPECT_TRUE(noted("level info"));
}

TEST_P(OwnOrShared, AModernCallerGetsLogRecordsOnlyIfItsRequestSaysSo) {
  mount({made()});
  call("fake__log", {{"level", "error"}, {"text", "not asked for"}});
  const client::Ended ended =
      begin("fake__log", {{"level", "debug"}, {"text", "asked for"}}, {.log_level = "debug"});
  ASSERT_TRUE(until([&] { return !ended.all.empty() && !told.logs.empty(); }));
  ASSERT_EQ(told.logs.size(), 1U);
  EXPECT_EQ(told.logs[0].data, Json({{"said", "asked for"}}));
  EXPECT_EQ(told.logs[0].cause, ticket);
  EXPECT_TRUE(noted("level debug"));
}

TEST_P(OwnOrShared, LogRecordsThatMayBeAnothersAreGivenToNobody) {
  mount({made()}, client::Era::Legacy);
  const client::Ended slow = begin("fake__slow");
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  call("fake__log", {{"level", "error"}, {"text", "whose?"}});
  EXPECT_TRUE(told.logs.empty());
}

TEST_P(OwnOrShared, ARecordThatNoRequestHasCausedReachesOlderClients) {
  mount({made()}, client::Era::Legacy);
  call("fake__log", {{"level", "error"}, {"text", "on my own"}, {"after", true}});
  ASSERT_TRUE(until([&] { return !told.logs.empty(); }));
  EXPECT_EQ(told.logs[0].logger, "fake/work");
  EXPECT_EQ(told.logs[0].data, Json({{"said", "on my own"}}));
}

TEST_P(OwnOrShared, AServerThatRequiresAPageIsCalledAgainOnceItWasVisited) {
  mount({made()});
  const client::Ended ended = begin("fake__ask_url", {{"required", true}});
  ASSERT_TRUE(until([&] { return !told.questions.empty(); }));
  EXPECT_EQ(told.questions[0]->params().at("url"), "https://example.com/first");
  told.questions[0]->answer({{"action", "accept"}});
  ASSERT_TRUE(until([&] { return !ended.all.empty(); }));
  EXPECT_EQ(textOf(ended.value()), "visited");
}

TEST_P(OwnOrShared, WhoWasSentToAPageIsToldWhenItWasVisited) {
  mount({made({"--revision", "2025-11-25"})}, client::Era::Legacy);
  const client::Ended ended = begin("fake__ask_url");
  ASSERT_TRUE(until([&] { return !told.questions.empty(); }));
  EXPECT_EQ(told.questions[0]->params().at("elicitationId"), "e1");
  told.questions[0]->answer({{"action", "accept"}});
  ASSERT_TRUE(until([&] { return !ended.all.empty(); }));
  call("fake__visited", {{"page", "nobody was sent there"}});
  call("fake__visited", {{"page", "e1"}});
  ASSERT_TRUE(until([&] { return !told.visited.empty(); }));
  EXPECT_EQ(told.visited, std::vector<std::string>{"e1"});
}

TEST_P(OwnOrShared, WhoIsRequiredToVisitAPageIsToldWhenItWasVisited) {
  mount({made({"--revision", "2025-11-25"})}, client::Era::Legacy);
  const client::Ended ended = begin("fake__ask_url", {{"required", true}});
  ASSERT_TRUE(until([&] { return !ended.all.empty() || !told.questions.empty(); }));
  if (GetParam()) {  // asked on its way through the copy, whose clients are modern
    ASSERT_EQ(told.questions.size(), 1U);
    EXPECT_EQ(told.questions[0]->params().at("elicitationId"), "e2");
  } else {
    const auto pages = client::requiredPages(ended.error());
    ASSERT_EQ(pages.size(), 1U) << ended.error().text();
    EXPECT_EQ(pages[0].elicitation_id, "e2");
  }
  call("fake__visited", {{"page", "e2"}});
  ASSERT_TRUE(until([&] { return !told.visited.empty(); }));
  EXPECT_EQ(told.visited, std::vector<std::string>{"e2"});
}

TEST_P(OwnOrShared, IconsThatMayBeShownArePassedOnInEveryList) {
  // A server whose handshake came before the mounts were ready declares all kinds, as tutti does.
  ASSERT_TRUE(server.addResource({"own://one", "one"}, [](const auto&) {}).ok());
  ASSERT_TRUE(server.addPrompt({"own"}, [](const auto&) {}).ok());
  mount({made()});
  const Json expected = Json::parse(R"([
    {"src": "https://example.com/icon.png", "mimeType": "image/png", "sizes": ["48x48"]},
    {"src": "data:image/png;base64,aGk=", "theme": "dark"}])");
  const auto listed = [this](client::ListKind kind, std::string_view name) {
    Json icons;
    bool done = false;
    caller->list(kind, [&](Result<std::vector<client::ListEntry>> list) {
      for (const auto& entry : *list)
        if (entry.value.at("name") == name) icons = entry.value.value("icons", Json());
      done = true;
    });
    EXPECT_TRUE(until([&] { return done; }));
    return icons;
  };
  const std::pair<client::ListKind, const char*> with_icons[] = {
      {client::ListKind::Tools, "fake__echo"},
      {client::ListKind::Prompts, "fake__quick"},
      {client::ListKind::Resources, "note 1"},
      {client::ListKind::ResourceTemplates, "a note"}};
  for (const auto& each : with_icons) {
    Json icons;  // each list comes when it comes
    EXPECT_TRUE(until([&] { return !(icons = listed(each.first, each.second)).is_null(); }));
    EXPECT_EQ(icons, expected) << each.second;
  }
  EXPECT_EQ(listed(client::ListKind::Tools, "fake__slow"), Json());
}

TEST_P(OwnOrShared, AFloodOfLogRecordsIsCut) {
  options.logs_max = 10;
  options.logs_window_ms = 600'000;
  mount({made()}, client::Era::Legacy);
  call("fake__log", {{"level", "error"}, {"count", 3000}});
  EXPECT_EQ(told.logs.size(), 10U);
}

TEST_P(OwnOrShared, APromptThatIsCancelledIsCancelledAtItsServer) {
  mountPrompts(made());
  const client::Ended slow = getSlowPrompt();
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  caller->cancel(ticket, "enough");
  EXPECT_TRUE(noted("cancelled"));
  EXPECT_TRUE(until([&] { return health().in_flight == 0; }));
}

TEST_P(OwnOrShared, APromptThatHangsRunsIntoTheTimeLimit) {
  MountSpec hasty = made();
  hasty.timeout_s = 0.2;
  mountPrompts(hasty);
  const client::Ended slow = getSlowPrompt();
  ASSERT_TRUE(until([&] { return !slow.all.empty(); }));
  EXPECT_NE(slow.error().text().find("was not answered within 200 ms"), std::string::npos);
  EXPECT_EQ(health().calls_failed, 1);
}

TEST_P(OwnOrShared, PromptsAndReadsCountForTheLimitOfRequestsUnderWay) {
  MountSpec narrow = made();
  narrow.limits.in_flight_max = 1;
  mountPrompts(narrow);
  const client::Ended slow = getSlowPrompt();
  ASSERT_TRUE(until([&] { return health().in_flight == 1; }));
  EXPECT_NE(textOf(call("fake__echo", {{"text", "x"}})).find("in_flight_max"), std::string::npos);
}

}  // namespace
}  // namespace tutti::toolhost
