// The client against a scripted server: handshakes, answers, bounds.
#include "tests/mcp/client_fixture.hpp"

namespace tutti::mcp::client {
namespace {

// --- Handshake ---------------------------------------------------------------------------------

TEST_F(ScriptedClient, AServerThatAnswersTheProbeIsModern) {
  open();
  const Json probe = next();
  EXPECT_EQ(probe.at("method"), "server/discover");
  const Json& meta = probe.at("params").at("_meta");
  EXPECT_EQ(meta.at("io.modelcontextprotocol/protocolVersion"), "2026-07-28");
  EXPECT_TRUE(meta.at("io.modelcontextprotocol/clientCapabilities").contains("sampling"));
  answer(probe, {{"supportedVersions", {"2026-07-28"}},
                 {"capabilities", {{"tools", Json::object()}}},
                 {"instructions", "be kind"},
                 {"_meta", {{"io.modelcontextprotocol/serverInfo", {{"name", "new"}}}}}});
  EXPECT_EQ(told.ready, 1);
  EXPECT_EQ(client->facts().revision, Revision::k2026_07_28);
  EXPECT_EQ(client->facts().name, "new");
  EXPECT_EQ(client->facts().instructions, "be kind");
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(ScriptedClient, AServerThatRefusesTheProbeIsAskedToInitialize) {
  open();
  refuse(next(), -32602, "Invalid request parameters");
  const Json request = next();
  EXPECT_EQ(request.at("method"), "initialize");
  EXPECT_EQ(request.at("params").at("protocolVersion"), "2025-11-25");
  EXPECT_FALSE(request.at("params").contains("_meta"));
  answer(request, {{"protocolVersion", "2025-06-18"},
                   {"capabilities", Json::object()},
                   {"serverInfo", {{"name", "old"}, {"version", "3"}}}});
  EXPECT_EQ(next(), Json({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}));
  EXPECT_EQ(client->facts().revision, Revision::k2025_06_18);
  EXPECT_EQ(client->facts().version, "3");
  EXPECT_EQ(told.ready, 1);
  EXPECT_EQ(channel.established_count, 1);
}

TEST_F(ScriptedClient, ARefusalThatNamesOurRevisionIsAnsweredByAskingAgain) {
  open();
  for (int attempt = 0; attempt < 2; ++attempt)
    give({{"jsonrpc", "2.0"},
          {"id", next().at("id")},
          {"error",
           {{"code", -32022},
            {"message", "Unsupported protocol version"},
            {"data", {{"supported", {"2026-07-28"}}, {"requested", "2026-07-28"}}}}}});
  EXPECT_EQ(next().at("method"), "initialize");  // but not for ever
}

TEST_F(ScriptedClient, SilenceAfterTheProbeLeadsToInitialize) {
  open();
  next();
  passMs(3'999);
  EXPECT_TRUE(channel.sent.empty());
  passMs(1);
  EXPECT_EQ(next().at("method"), "initialize");
}

TEST_F(ScriptedClient, ALateAnswerToTheProbeStillCounts) {
  open();
  const Json probe = next();
  passMs(4'000);
  const Json initialize = next();
  answer(probe, {{"supportedVersions", {"2026-07-28"}}, {"capabilities", Json::object()}});
  EXPECT_EQ(client->facts().revision, Revision::k2026_07_28);
  refuse(initialize, -32022, "Unsupported protocol version");
  EXPECT_EQ(told.ready, 1);
  EXPECT_TRUE(told.lost.empty());
}

TEST_F(ScriptedClient, AServerThatNeverAnswersIsGivenUp) {
  open();
  passMs(4'000);
  passMs(56'000);
  ASSERT_EQ(told.lost.size(), 1U);
  EXPECT_EQ(told.lost[0].name(), "handshake_timeout");
  EXPECT_EQ(told.ready, 0);
}

TEST_F(ScriptedClient, AServerThatSaysNothingAtAllIsGivenUpSoonerIfThatIsWanted) {
  Options options = allOptions();
  options.handshake_silent_max_ms = 5'000;
  options.era = Era::Modern;
  open(options);
  for (int i = 0; i < 3; ++i) {
    passMs(4'000);
    notification("notifications/whatever");
  }
  EXPECT_TRUE(told.lost.empty()) << "it says something";
  passMs(5'000);
  ASSERT_EQ(told.lost.size(), 1U);
  EXPECT_EQ(told.lost[0].name(), "handshake_timeout");
  EXPECT_NE(told.lost[0].message().find("5000 ms"), std::string::npos);
}

TEST_F(ScriptedClient, ARevisionThatNobodyKnowsIsSaid) {
  open();
  refuse(next(), -32601, "no");
  answer(next(), {{"protocolVersion", "1999-01-01"}, {"capabilities", Json::object()}});
  ASSERT_EQ(told.lost.size(), 1U);
  EXPECT_EQ(told.lost[0].name(), "unsupported_revision");
  EXPECT_NE(told.lost[0].message().find("1999-01-01"), std::string::npos);
}

TEST_F(ScriptedClient, BeforeTheHandshakeARequestEndsAtOnce) {
  open();
  Ended ended;
  client->call({"echo"}, {}, ended.done());
  EXPECT_EQ(ended.error().name(), "not_connected");
}

// --- Requests ----------------------------------------------------------------------------------

TEST_F(ScriptedClient, AResultComesAsValueAndAsWritten) {
  open();
  becomeLegacy();
  Ended ended;
  client->call({"echo", {{"text", "hi"}}}, {}, ended.done());
  const Json request = next();
  EXPECT_EQ(request.at("params"), Json({{"name", "echo"}, {"arguments", {{"text", "hi"}}}}));
  EXPECT_EQ(last.name, "echo");
  EXPECT_EQ(last.revision, "2025-11-25");
  client->receive(R"({"jsonrpc":"2.0","id":)" + request.at("id").dump() +
                  R"(,"result":{"z":1.0, "content":[]}})");
  ASSERT_EQ(ended.all.size(), 1U);
  EXPECT_EQ(ended.all[0]->text, R"({"z":1.0, "content":[]})");
  EXPECT_EQ(ended.value().at("z"), 1.0);
}

TEST_F(ScriptedClient, AnErrorKeepsWhatTheServerSaid) {
  open();
  becomeLegacy();
  Ended ended;
  client->call({"nope"}, {}, ended.done());
  refuse(next(), -32602, "unknown tool");
  EXPECT_EQ(ended.error().code(), Code::InvalidArgument);
  EXPECT_EQ(ended.error().name(), "server_error");
  EXPECT_EQ(ended.error().message(), "unknown tool");
  EXPECT_EQ(Json::parse(ended.error().details()).at("code"), -32602);
}

TEST_F(ScriptedClient, AfterItsTimeARequestIsCancelledAndItsAnswerIgnored) {
  open();
  becomeLegacy();
  Ended ended;
  client->call({"slow"}, {.time_max_ms = 500}, ended.done());
  const Json request = next();
  passMs(499);
  EXPECT_TRUE(ended.all.empty());
  passMs(1);
  EXPECT_EQ(ended.error().name(), "request_timeout");
  EXPECT_NE(ended.error().message().find("'slow'"), std::string::npos);
  const Json cancelled = next();
  EXPECT_EQ(cancelled.at("method"), "notifications/cancelled");
  EXPECT_EQ(cancelled.at("params").at("requestId"), request.at("id"));
  answer(request, {{"content", Json::array()}});
  EXPECT_EQ(ended.all.size(), 1U);
}

TEST_F(ScriptedClient, ProgressIsToldAndProlongsTheTime) {
  Options options = allOptions();
  options.total_max_ms = 1'000;
  open(options);
  becomeLegacy();
  Ended ended;
  std::vector<Progress> seen;
  client->call({"slow"},
               {.time_max_ms = 400, .on_progress = [&](const Progress& p) { seen.push_back(p); }},
               ended.done());
  const Json token = next().at("params").at("_meta").at("progressToken");
  for (int step = 1; step <= 2; ++step) {
    passMs(300);
    notification("notifications/progress",
                 {{"progressToken", token}, {"progress", step}, {"total", 3}, {"message", "m"}});
  }
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].value, 2);
  EXPECT_EQ(seen[1].total, 3);
  EXPECT_EQ(seen[1].message, "m");
  EXPECT_TRUE(ended.all.empty());
  passMs(399);
  notification("notifications/progress", {{"progressToken", token}, {"progress", 3}});
  passMs(1);  // 1,000 in all: progress does not help beyond that
  EXPECT_EQ(ended.error().name(), "request_timeout");
  EXPECT_EQ(ended.error().hint(), "raise total_max_ms");
}

TEST_F(ScriptedClient, OverHttpAModernRequestIsCancelledByWithdrawal) {
  channel.over_http = true;
  open();
  becomeModern();
  Ended ended;
  const Ticket ticket = client->call({"slow"}, {}, ended.done());
  const Json request = next();
  client->cancel(ticket, "enough");
  EXPECT_EQ(ended.error().code(), Code::Cancelled);
  EXPECT_EQ(channel.withdrawn, std::vector<rpc::Id>{request.at("id").dump()});
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(ScriptedClient, AboveInFlightMaxARequestEndsAtOnce) {
  Options options = allOptions();
  options.in_flight_max = 1;
  open(options);
  becomeLegacy();
  Ended first;
  Ended second;
  client->call({"slow"}, {}, first.done());
  client->call({"slow"}, {}, second.done());
  EXPECT_TRUE(first.all.empty());
  EXPECT_EQ(second.error().name(), "in_flight_max");
}

TEST_F(ScriptedClient, WhenTheConnectionGoesEveryRequestHasItsEnd) {
  open();
  becomeLegacy();
  Ended first;
  Ended second;
  client->call({"a"}, {}, first.done());
  client->call({"b"}, {}, second.done());
  client->lost(Error(Code::Unavailable, "gone").named("server_lost"));
  EXPECT_EQ(first.error().name(), "server_lost");
  EXPECT_EQ(second.error().name(), "server_lost");
  EXPECT_EQ(told.lost.size(), 1U);
}

TEST_F(ScriptedClient, ADestroyedClientEndsItsRequestsAndTellsNobodyElse) {
  open();
  becomeLegacy();
  Ended ended;
  client->call({"a"}, {}, ended.done());
  client.reset();
  EXPECT_EQ(ended.error().code(), Code::Cancelled);
  EXPECT_TRUE(told.lost.empty());
}

// --- Lists -------------------------------------------------------------------------------------

TEST_F(ScriptedClient, AListIsReadPageByPageAndItsBytesKept) {
  open();
  becomeLegacy();
  std::vector<Result<std::vector<ListEntry>>> lists;
  client->list(ListKind::Tools, [&](auto list) { lists.push_back(std::move(list)); });
  const Json first = next();
  EXPECT_FALSE(first.at("params").contains("cursor"));
  client->receive(R"({"jsonrpc":"2.0","id":)" + first.at("id").dump() +
                  R"(,"result":{"tools":[{"name":"b",  "inputSchema":{"z":1,"a":2}}],)"
                  R"("nextCursor":""}})");
  const Json second = next();
  EXPECT_EQ(second.at("params").at("cursor"), "");
  answer(second, {{"tools", {{{"name", "a"}}}}});
  ASSERT_EQ(lists.size(), 1U);
  ASSERT_EQ(lists[0]->size(), 2U);
  EXPECT_EQ(lists[0]->at(0).text, R"({"name":"b",  "inputSchema":{"z":1,"a":2}})");
  EXPECT_EQ(lists[0]->at(1).value.at("name"), "a");
}

TEST_F(ScriptedClient, AListThatGoesInCirclesIsRefused) {
  open();
  becomeLegacy();
  std::vector<Result<std::vector<ListEntry>>> lists;
  client->list(ListKind::Tools, [&](auto list) { lists.push_back(std::move(list)); });
  for (int page = 0; page < 2; ++page)
    answer(next(), {{"tools", Json::array()}, {"nextCursor", "again"}});
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(lists[0].error().name(), "invalid_answer");
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(ScriptedClient, AnEndlessListIsBounded) {
  Options options = allOptions();
  options.entries_max = 3;
  open(options);
  becomeLegacy();
  std::vector<Result<std::vector<ListEntry>>> lists;
  client->list(ListKind::Tools, [&](auto list) { lists.push_back(std::move(list)); });
  const Json two = Json::array({Json::object(), Json::object()});
  answer(next(), {{"tools", two}, {"nextCursor", "1"}});
  answer(next(), {{"tools", two}, {"nextCursor", "2"}});
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(lists[0].error().name(), "entries_max");
}

TEST_F(ScriptedClient, WhatTheServerDoesNotDeclareIsAnEmptyList) {
  open();
  becomeLegacy();
  std::size_t count = 99;
  client->list(ListKind::Prompts, [&](auto list) { count = list->size(); });
  EXPECT_EQ(count, 0U);
  EXPECT_TRUE(channel.sent.empty());
}

// --- What is no message ------------------------------------------------------------------------

TEST_F(ScriptedClient, GarbageIsSkippedUntilThereIsTooMuchOfIt) {
  Options options = allOptions();
  options.garbage_max = 3;
  open(options);
  becomeLegacy();
  client->receive("Server listening on port 80");
  client->receive("{\"jsonrpc\":\"2.0\"");
  EXPECT_TRUE(told.lost.empty());
  notification("notifications/message", {{"level", "info"}, {"data", "fine"}});
  EXPECT_EQ(told.logs.size(), 1U);
  for (int i = 0; i < 3; ++i) client->receive("more");
  ASSERT_EQ(told.lost.size(), 1U);
  EXPECT_EQ(told.lost[0].name(), "server_garbage");
}

TEST_F(ScriptedClient, ABrokenAnswerEndsItsOwnRequestOnly) {
  open();
  becomeLegacy();
  Ended broken;
  Ended fine;
  client->call({"a"}, {}, broken.done());
  client->call({"b"}, {}, fine.done());
  const Json a = next();
  const Json b = next();
  give({{"jsonrpc", "2.0"}, {"id", a.at("id")}, {"result", 1}, {"error", Json::object()}});
  EXPECT_EQ(broken.error().name(), "invalid_answer");
  answer(b, {{"content", Json::array()}});
  EXPECT_TRUE(fine.all.at(0).ok());
}

TEST_F(ScriptedClient, AnswersToNothingAreIgnored) {
  open();
  becomeLegacy();
  give({{"jsonrpc", "2.0"}, {"id", 999}, {"result", Json::object()}});
  give({{"jsonrpc", "2.0"}, {"id", "x"}, {"result", Json::object()}});
  EXPECT_TRUE(told.lost.empty());
}

// --- Following lists ---------------------------------------------------------------------------

TEST_F(ScriptedClient, AModernServerIsAskedToTellOfChanges) {
  open();
  becomeModern({{"tools", {{"listChanged", true}}}, {"prompts", Json::object()}});
  const Json listen = next();
  EXPECT_EQ(listen.at("method"), "subscriptions/listen");
  EXPECT_EQ(listen.at("params").at("notifications"), Json({{"toolsListChanged", true}}));
  EXPECT_EQ(client->inFlight(), 0U);
  notification("notifications/subscriptions/acknowledged");
  EXPECT_TRUE(told.changed.empty());
  notification("notifications/tools/list_changed");
  EXPECT_EQ(told.changed, std::vector<ListKind>{ListKind::Tools});
}

TEST_F(ScriptedClient, ASubscriptionThatEndedIsMadeAgainAndEverythingCountsAsChanged) {
  open();
  becomeModern({{"tools", {{"listChanged", true}}}});
  const Json listen = next();
  notification("notifications/subscriptions/acknowledged");
  answer(listen, {{"resultType", "complete"}});
  EXPECT_TRUE(channel.sent.empty());
  passMs(1'000);
  EXPECT_EQ(next().at("method"), "subscriptions/listen");
  notification("notifications/subscriptions/acknowledged");
  EXPECT_EQ(told.changed.size(), 3U);
}

}  // namespace
}  // namespace tutti::mcp::client
