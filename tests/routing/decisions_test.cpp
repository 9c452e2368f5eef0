// The rules of decisions, attempts and feedback, in a private in-memory store.
#include "server/routing/decisions.hpp"

#include <gtest/gtest.h>

#include "server/agents/sessions.hpp"
#include "server/store/statement.hpp"
#include "tests/routing/store_support.hpp"

namespace tutti::routing {
namespace {

constexpr const char* kNow = "2026-11-20T20:00:00.000000+00:00";
constexpr std::int64_t kNowMs = 1'795'204'800'000;

class DecisionsTest : public ::testing::Test {
 protected:
  DecisionsTest() : db_(":memory:", store::Access::ReadWrite) {
    for (const store::Migration& migration : routingTables()) db_.execute(migration.sql);
  }
  StoredDecision add(const std::string& agent, const std::string& request = "scan all hosts") {
    StoredDecision decision;
    decision.created_at = kNow;
    decision.request = request;
    decision.request_hash = "hash of " + request;
    decision.strategy = "single_agent";
    decision.agent = agent;
    decision.answer = "{}";
    return addDecision(db_, decision);
  }
  /// A session with a pending run, and the open attempt that it is.
  Attempt dispatch(const StoredDecision& decision) {
    agents::NewSession session;
    session.agent_name = decision.agent;
    session.driver = "process";
    session.project_dir = "/tmp";
    session.blueprint = "{}";
    session.parameters = "{}";
    session.owner = "rep_1";
    session.now = kNow;
    auto started = agents::startSession(db_, session, {});
    EXPECT_TRUE(started.ok());
    Attempt attempt;
    attempt.decision_id = decision.decision_id;
    attempt.agent = decision.agent;
    attempt.session_id = started->session.session_id;
    attempt.run_id = started->run.run_id;
    attempt.started_at = kNow;
    addAttempt(db_, attempt);
    return attempt;
  }
  Feedback feedback(const std::string& source) {
    Feedback one;
    one.decision_id = "rte_1";
    one.request = "scan all hosts";
    one.request_hash = "h";
    one.agent = "scanner";
    one.outcome = "succeeded";
    one.source = source;
    one.created_at = kNow;
    return one;
  }
  store::Connection db_;
};

TEST_F(DecisionsTest, IsFoundAsItWasStored) {
  const StoredDecision stored = add("scanner");
  const auto found = findDecision(db_, stored.decision_id);
  ASSERT_TRUE(found.ok()) << found.error().text();
  EXPECT_EQ(found->agent, "scanner");
  EXPECT_EQ(found->status, DecisionStatus::Decided);
  EXPECT_EQ(found->request_bytes, 14);
}

TEST_F(DecisionsTest, ThatIsUnknownIsNotFoundAndSaysWhereTheyAre) {
  const auto found = findDecision(db_, "rte_9");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().name(), "decision_not_found");
  EXPECT_EQ(found.error().message(), "decision 'rte_9' not found");
  EXPECT_EQ(found.error().hint(), "explain_route without an id lists the newest decisions");
}

TEST_F(DecisionsTest, LongRequestIsCutAndItsSizeKept) {
  const StoredDecision stored = add("scanner", std::string(100'000, 'x'));
  EXPECT_LE(stored.request.size(), kStoredRequestBytesMax + 8);
  EXPECT_EQ(stored.request_bytes, 100'000);
}

TEST_F(DecisionsTest, PagesComeNewestFirstWithoutGapsOrRepeats) {
  for (int i = 0; i < 5; ++i) add(i % 2 == 0 ? "even" : "odd", std::to_string(i));
  DecisionFilter filter;
  filter.count_max = 2;
  std::string seen;
  do {
    const auto page = listDecisions(db_, filter);
    ASSERT_TRUE(page.ok()) << page.error().text();
    for (const StoredDecision& one : page->decisions) seen += one.request;
    filter.before = page->next;
  } while (!filter.before.empty());
  EXPECT_EQ(seen, "43210");
  filter.agent = "odd";
  filter.status = DecisionStatus::Decided;
  const auto odd = listDecisions(db_, filter);
  ASSERT_TRUE(odd.ok());
  ASSERT_EQ(odd->decisions.size(), 2U);
  EXPECT_EQ(odd->decisions.front().request, "3");
}

TEST_F(DecisionsTest, StrangeCursorIsRefused) {
  DecisionFilter filter;
  filter.before = "12x";
  const auto page = listDecisions(db_, filter);
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.error().name(), "invalid_cursor");
}

TEST_F(DecisionsTest, OldestGoBeyondTheLimitButOpenOnesStay) {
  const StoredDecision open = add("scanner");
  changeDecision(db_, open.decision_id, {DecisionStatus::Dispatched, "", "", ""}, kNow);
  const StoredDecision old = add("scanner");
  db_.execute("UPDATE sqlite_sequence SET seq = 20000 WHERE name = 'route_decisions'");
  add("scanner");
  EXPECT_TRUE(findDecision(db_, open.decision_id).ok());
  EXPECT_FALSE(findDecision(db_, old.decision_id).ok());
}

TEST_F(DecisionsTest, EndedRunIsActedOnByExactlyOne) {
  const StoredDecision decision = add("scanner");
  const Attempt attempt = dispatch(decision);
  EXPECT_TRUE(endedAttempts(db_, "rep_1", kNowMs, 10).empty());
  const auto stopped = agents::requestStop(db_, attempt.session_id, "rep_1", kNow);
  ASSERT_TRUE(stopped.ok());
  const auto ended = endedAttempts(db_, "rep_1", kNowMs, 10);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].outcome, "stopped");
  EXPECT_EQ(ended[0].owner, "rep_1");
  EXPECT_TRUE(closeAttempt(db_, ended[0]));
  EXPECT_FALSE(closeAttempt(db_, ended[0]));
  EXPECT_TRUE(endedAttempts(db_, "rep_1", kNowMs, 10).empty());
  EXPECT_EQ(attemptsOf(db_, decision.decision_id).at(0).outcome, "stopped");
}

TEST_F(DecisionsTest, EndOfADecisionThatWaitsIsGivenWhenItIsToBeTriedAgain) {
  const StoredDecision decision = add("scanner");
  const Attempt attempt = dispatch(decision);
  changeDecision(db_, decision.decision_id, {DecisionStatus::Dispatched, "", "", ""}, kNow);
  ASSERT_TRUE(agents::requestStop(db_, attempt.session_id, "rep_1", kNow).ok());
  const auto ended = endedAttempts(db_, "rep_1", kNowMs, 10);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(nextRetry(db_), 0);
  keepWaiting(db_, ended[0], {kNowMs, kNowMs + 500, "no room"});
  EXPECT_EQ(findDecision(db_, decision.decision_id)->waiting.why, "no room");
  EXPECT_EQ(nextRetry(db_), kNowMs + 500);
  EXPECT_TRUE(endedAttempts(db_, "rep_1", kNowMs + 499, 10).empty());
  EXPECT_EQ(endedAttempts(db_, "rep_1", kNowMs + 500, 10).size(), 1U);
  EXPECT_EQ(endedAttempts(db_, "rep_1", kNowMs - kStartRetryMaxMs, 10).size(), 1U)
      << "a clock set back";
  changeDecision(db_, decision.decision_id, {DecisionStatus::Dispatched, "", "", ""}, kNow);
  EXPECT_EQ(nextRetry(db_), 0);
  EXPECT_TRUE(closeAttempt(db_, ended[0]));
  keepWaiting(db_, ended[0], {kNowMs, kNowMs + 500, "no room"});
  EXPECT_EQ(nextRetry(db_), 0) << "another replica has acted on its end";
}

TEST_F(DecisionsTest, DecisionThatAnOlderTuttiHasEndedIsNotTriedAgain) {
  const StoredDecision decision = add("scanner");
  const Attempt attempt = dispatch(decision);
  changeDecision(db_, decision.decision_id, {DecisionStatus::Dispatched, "", "", ""}, kNow);
  keepWaiting(db_, attempt, {kNowMs, kNowMs + 500, "no room"});
  store::execute(db_, "UPDATE route_decisions SET status = 'succeeded'");
  EXPECT_EQ(nextRetry(db_), 0);
}

TEST_F(DecisionsTest, OneWhoHangsWithManyEndsKeepsNobodysFromSight) {
  const auto end = [this](const std::string& owner) {
    const Attempt attempt = dispatch(add("scanner"));
    store::execute(db_, "UPDATE runs SET owner = ? WHERE run_id = ?", owner, attempt.run_id);
    ASSERT_TRUE(agents::requestStop(db_, attempt.session_id, owner, kNow).ok());
  };
  for (int i = 0; i < 4; ++i) end("rep_hangs");
  end("rep_gone");
  end("rep_1");
  std::vector<std::string> owners;
  for (const Attempt& one : endedAttempts(db_, "rep_1", kNowMs, 3)) owners.push_back(one.owner);
  EXPECT_EQ(owners, (std::vector<std::string>{"rep_1", "rep_hangs", "rep_gone"}));
}

TEST_F(DecisionsTest, AttemptWhoseSessionWasDeletedIsLost) {
  const Attempt attempt = dispatch(add("scanner"));
  store::execute(db_, "DELETE FROM sessions WHERE session_id = ?", attempt.session_id);
  const auto ended = endedAttempts(db_, "rep_1", kNowMs, 10);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].outcome, "lost");
}

TEST_F(DecisionsTest, RunTeachesOnceForARequestAndAPersonEachTime) {
  EXPECT_TRUE(addFeedback(db_, feedback("run")).teaches);
  EXPECT_FALSE(addFeedback(db_, feedback("run")).teaches);
  EXPECT_TRUE(addFeedback(db_, feedback("user")).teaches);
  const auto all = lessons(db_, 0, 100);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(lessons(db_, all[0].seq, 100).size(), 1U);
  EXPECT_EQ(feedbackOf(db_, "rte_1").size(), 3U);
}

TEST_F(DecisionsTest, LessonsStayHoweverManyRunsHaveEndedSince) {
  const std::int64_t lesson = addFeedback(db_, feedback("user")).seq;
  for (std::int64_t i = 0; i <= kFeedbackMax; ++i) {
    Feedback run = feedback("run");
    run.teaches = false;
    addFeedback(db_, run);
  }
  const auto left = lessons(db_, 0, 100);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].seq, lesson);
  EXPECT_EQ(feedbackOf(db_, "rte_1").size(), static_cast<std::size_t>(kFeedbackMax) + 1);
}

TEST(NormalisedRequest, DiffersOnlyInWhatIsNoWhiteSpace) {
  EXPECT_EQ(normalisedRequest("  Scan\n\tall  hosts "), "Scan all hosts");
  EXPECT_EQ(normalisedRequest(" \n"), "");
}

}  // namespace
}  // namespace tutti::routing
