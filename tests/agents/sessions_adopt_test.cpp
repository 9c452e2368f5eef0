// Who owns what, and who takes it over; and answers that are remembered.
#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {

class AdoptTest : public SessionsTest {};
class IdempotencyTest : public SessionsTest {};

TEST_F(AdoptTest, OwnersAreThoseOfIntentsRunsAndLiveHosts) {
  EXPECT_TRUE(owners(tx).empty());
  NewSession input = newSession();
  input.owner = "rep_intent";
  start(input);
  input.owner = "rep_run";
  const StartedRun run = start(input);
  removeIntent(tx, intentsOf(tx, "rep_run")[0].id);
  const StartedRun live = running();
  removeIntent(tx, intentsOf(tx, "rep_a")[0].id);
  end(live.run, RunStatus::Completed, SessionStatus::Idle);
  EXPECT_EQ(owners(tx), (std::vector<std::string>{"rep_a", "rep_intent", "rep_run"}));
  ASSERT_TRUE(hostExited(tx, live.session.session_id, 1, SessionStatus::Finished, "", now()).ok());
  end(run.run, RunStatus::Failed, SessionStatus::Failed);
  EXPECT_EQ(owners(tx), std::vector<std::string>{"rep_intent"});
}

TEST_F(AdoptTest, TheAdopterHasEverythingAndTheDeadNothing) {
  const StartedRun live = running();
  const StartedRun waiting = start();
  NewSession other = newSession();
  other.owner = "rep_c";
  start(other);
  const auto adopted = adopt(tx, "rep_a", "rep_b");
  ASSERT_EQ(adopted.size(), 1U);
  EXPECT_EQ(adopted[0].session_id, live.session.session_id);
  EXPECT_EQ(adopted[0].owner, "rep_b");
  EXPECT_EQ(adopted[0].blueprint, R"({"name":"writer"})");
  EXPECT_TRUE(intentsOf(tx, "rep_a").empty());
  EXPECT_EQ(intentsOf(tx, "rep_b").size(), 2U);
  EXPECT_EQ(liveSessionsOf(tx, "rep_b").size(), 1U);
  EXPECT_EQ(owners(tx), (std::vector<std::string>{"rep_b", "rep_c"}));
  EXPECT_TRUE(adopt(tx, "rep_a", "rep_b").empty());
  EXPECT_TRUE(claimRun(tx, waiting.run.run_id, "rep_b", true, now()).ok());
}

TEST_F(AdoptTest, AnIntentStaysUntilItIsAcknowledged) {
  const StartedRun started = claim(start());
  ASSERT_EQ(intentsOf(tx, "rep_a").size(), 1U);
  removeIntent(tx, intentsOf(tx, "rep_a")[0].id);
  EXPECT_TRUE(intentsOf(tx, "rep_a").empty());
}

TEST_F(IdempotencyTest, TheSameCallHasTheSameAnswer) {
  EXPECT_EQ(*findIdempotent(tx, "start_agent", "k", BodyDigest("{}")), std::nullopt);
  saveIdempotent(tx, "start_agent", "k", BodyDigest("{}"), "answer", now());
  EXPECT_EQ(*findIdempotent(tx, "start_agent", "k", BodyDigest("{}")), "answer");
  EXPECT_EQ(*findIdempotent(tx, "resume", "k", BodyDigest("{}")), std::nullopt);
  EXPECT_EQ(*findIdempotent(tx, "start_agent", "other", BodyDigest("{}")), std::nullopt);
}

TEST_F(IdempotencyTest, ADigestIsWhatStoresHaveHadSinceTheFirstRelease) {
  EXPECT_EQ(BodyDigest("a").text(), "1-af63dc4c8601ec8c");
  EXPECT_EQ(BodyDigest().text(), BodyDigest("").text());
}

TEST_F(IdempotencyTest, TheSameKeyWithAnotherBodyIsAnError) {
  saveIdempotent(tx, "start_agent", "k", BodyDigest("{}"), "answer", now());
  const auto found = findIdempotent(tx, "start_agent", "k", BodyDigest(R"({"a":1})"));
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code(), Code::Conflict);
  EXPECT_EQ(found.error().name(), "idempotency_key_reused");
  EXPECT_EQ(found.error().message(),
            "idempotency_key 'k' was used before with other arguments of start_agent");
}

TEST_F(IdempotencyTest, AKeyThatIsSavedTwiceFailsRatherThanHidesASecondRun) {
  saveIdempotent(tx, "start_agent", "k", BodyDigest("{}"), "answer", now());
  EXPECT_THROW(saveIdempotent(tx, "start_agent", "k", BodyDigest("{}"), "answer", now()),
               store::DatabaseError);
}

TEST_F(IdempotencyTest, TheOldestKeysAreForgottenAboveTheLimit) {
  tx.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
      " INSERT INTO idempotency(tool, key, body_digest, answer, created_at)"
      " SELECT 't', i, '', '', '' FROM n");
  EXPECT_EQ(count("SELECT count(*) FROM idempotency"), 100'000);
  saveIdempotent(tx, "t", "new", BodyDigest("{}"), "answer", now());
  EXPECT_EQ(count("SELECT count(*) FROM idempotency"), 100'000);
  EXPECT_EQ(*findIdempotent(tx, "t", "1", BodyDigest()), std::nullopt);
  EXPECT_EQ(*findIdempotent(tx, "t", "new", BodyDigest("{}")), "answer");
}

}  // namespace
}  // namespace tutti::agents
