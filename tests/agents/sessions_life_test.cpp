// Claim, run, stop, end: the course of a run and what may cross it.
#include <nlohmann/json.hpp>

#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {

class LifeTest : public SessionsTest {};

TEST_F(LifeTest, ARunIsClaimedStartedAndCompleted) {
  const StartedRun claimed = claim(start());
  EXPECT_EQ(claimed.run.status, RunStatus::Claimed);
  EXPECT_EQ(claimed.run.generation, 1);
  EXPECT_EQ(claimed.session.generation, 1);
  EXPECT_TRUE(claimed.session.host_live);
  EXPECT_EQ(claimed.session.owner, "rep_a");
  spool(claimed.run, {{.event_type = "run_start"}});
  EXPECT_EQ(runStatusOf(claimed), RunStatus::Running);
  EXPECT_EQ(statusOf(claimed), SessionStatus::Running);
  EXPECT_FALSE(reread(claimed).run.started_at.empty());

  Outcome done = outcome(RunStatus::Completed, SessionStatus::Idle);
  done.result_text = "done";
  done.result_data = R"({"n":1})";
  ASSERT_TRUE(*applyOutcome(tx, claimed.run.run_id, 1, done));
  const StartedRun after = reread(claimed);
  EXPECT_EQ(after.run.status, RunStatus::Completed);
  EXPECT_EQ(after.run.result_text, "done");
  EXPECT_EQ(after.run.result_data, R"({"n":1})");
  EXPECT_EQ(after.run.outcome, done.json);
  EXPECT_EQ(after.run.completed_at, done.completed_at);
  EXPECT_EQ(after.session.status, SessionStatus::Idle);
  EXPECT_EQ(eventTypes(after.session.session_id),
            (Types{"session_created", "run_claimed", "run_start", "run_completed"}));
  const Json event = toJson(readEvents(tx, after.session.session_id, 0, 10).back());
  EXPECT_EQ(event["exit_code"], 0);
  EXPECT_EQ(event["reason"], "completed");
}

TEST_F(LifeTest, ARunIsClaimedOnce) {
  const StartedRun started = start();
  claim(started);
  const auto again = claimRun(tx, started.run.run_id, "rep_b", true, now());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Code::Conflict);
  EXPECT_EQ(again.error().name(), "run_not_pending");
  EXPECT_EQ(reread(started).session.generation, 1);
}

TEST_F(LifeTest, AClaimedRunWhoseHostHasGoneIsClaimedAgainForANewOne) {
  const StartedRun first = claim(start());
  ASSERT_TRUE(hostExited(tx, first.session.session_id, 1, SessionStatus::Failed, "", now()).ok());
  EXPECT_EQ(claimRun(tx, first.run.run_id, "rep_b", false, now()).error().name(),
            "run_not_pending");
  const auto second = claimRun(tx, first.run.run_id, "rep_b", true, now());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->run.generation, 2);
  EXPECT_EQ(second->session.owner, "rep_b");
  EXPECT_EQ(second->run.status, RunStatus::Claimed);
  // What the first host may still say counts no more.
  EXPECT_FALSE(
      *applyOutcome(tx, first.run.run_id, 1, outcome(RunStatus::Failed, SessionStatus::Failed)));
  EXPECT_EQ(runStatusOf(first), RunStatus::Claimed);
}

TEST_F(LifeTest, AFurtherTurnKeepsTheLiveHostAndANewHostRaisesTheGeneration) {
  const StartedRun first = running();
  end(first.run, RunStatus::Completed, SessionStatus::Idle);
  const StartedRun second = claim(*resume(first.session.session_id), /*new_host=*/false);
  EXPECT_EQ(second.run.generation, 1);
  end(second.run, RunStatus::Completed, SessionStatus::Idle);
  const StartedRun third = claim(*resume(first.session.session_id), /*new_host=*/true);
  EXPECT_EQ(third.run.generation, 2);
}

TEST_F(LifeTest, ATurnForAHostThatHasGoneIsRefusedAndCanBeClaimedForANewOne) {
  const StartedRun first = running();
  end(first.run, RunStatus::Completed, SessionStatus::Idle);
  const StartedRun second = *resume(first.session.session_id);
  ASSERT_TRUE(hostExited(tx, first.session.session_id, 1, SessionStatus::Finished, "", now()).ok());
  EXPECT_EQ(statusOf(first), SessionStatus::Pending);  // the queued run still waits
  const auto refused = claimRun(tx, second.run.run_id, "rep_a", false, now());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "host_gone");
  EXPECT_EQ(claim(second, true).run.generation, 2);
}

TEST_F(LifeTest, AnOutcomeBeforeTheStartWasReadEndsTheRunAllTheSame) {
  const StartedRun claimed = claim(start());
  EXPECT_TRUE(end(claimed.run, RunStatus::Completed, SessionStatus::Finished));
  EXPECT_EQ(runStatusOf(claimed), RunStatus::Completed);
  EXPECT_EQ(statusOf(claimed), SessionStatus::Finished);
}

TEST_F(LifeTest, AFailureIsRecordedWithNameAndHint) {
  const StartedRun started = running();
  Outcome failed = outcome(RunStatus::Failed, SessionStatus::Failed);
  failed.error = "the agent exited with status 3";
  failed.error_name = "agent_exited";
  failed.error_hint = "see its log";
  ASSERT_TRUE(*applyOutcome(tx, started.run.run_id, 1, failed));
  EXPECT_EQ(reread(started).run.error_name, "agent_exited");
  const Json event = toJson(readEvents(tx, started.session.session_id, 0, 10).back());
  EXPECT_EQ(event["event_type"], "run_failed");
  EXPECT_EQ(event["error"], failed.error);
  EXPECT_EQ(event["error_hint"], "see its log");
}

TEST_F(LifeTest, ALaunchThatCannotBeginFailsThePendingRunAndItsIntentGoes) {
  const StartedRun started = start();
  EXPECT_TRUE(end(started.run, RunStatus::Failed, SessionStatus::Failed));
  EXPECT_EQ(statusOf(started), SessionStatus::Failed);
  EXPECT_TRUE(intentsOf(tx, "rep_a").empty());
}

TEST_F(LifeTest, TheFirstOutcomeStandsAndALaterOneIsKeptAsAnEventOnce) {
  const StartedRun started = running();
  const Outcome first = outcome(RunStatus::Completed, SessionStatus::Finished);
  Outcome other = outcome(RunStatus::Failed, SessionStatus::Failed);
  other.error_name = "run_host_lost";
  ASSERT_TRUE(*applyOutcome(tx, started.run.run_id, 1, first));
  EXPECT_FALSE(*applyOutcome(tx, started.run.run_id, 1, first));  // another replica found it too
  EXPECT_EQ(eventTypes(started.session.session_id).back(), "run_completed");
  EXPECT_FALSE(*applyOutcome(tx, started.run.run_id, 1, other));
  EXPECT_FALSE(*applyOutcome(tx, started.run.run_id, 1, other));
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE event_type = 'late_outcome'"), 1);
  EXPECT_EQ(runStatusOf(started), RunStatus::Completed);
  EXPECT_EQ(statusOf(started), SessionStatus::Finished);
  const Json late = toJson(readEvents(tx, started.session.session_id, 0, 10).back());
  EXPECT_EQ(late["status"], "failed");
  EXPECT_EQ(late["outcome"]["status"], "failed");
}

TEST_F(LifeTest, AnOutcomeOfAnotherGenerationChangesNothing) {
  const StartedRun started = running();
  EXPECT_FALSE(
      *applyOutcome(tx, started.run.run_id, 7, outcome(RunStatus::Failed, SessionStatus::Failed)));
  EXPECT_EQ(runStatusOf(started), RunStatus::Running);
  EXPECT_EQ(eventTypes(started.session.session_id).back(), "late_outcome");
}

TEST_F(LifeTest, AStopOfARunThatWasNeverLaunchedEndsItAtOnce) {
  const StartedRun started = start();
  const StopRequest request = stop(started.session.session_id);
  EXPECT_TRUE(request.cancelled_before_launch);
  EXPECT_FALSE(request.already_over);
  EXPECT_EQ(request.run_id, started.run.run_id);
  EXPECT_EQ(request.session.status, SessionStatus::Stopped);
  EXPECT_EQ(runStatusOf(started), RunStatus::Stopped);
  EXPECT_FALSE(reread(started).run.completed_at.empty());
  EXPECT_TRUE(intentsOf(tx, "rep_a").empty());
  EXPECT_EQ(eventTypes(started.session.session_id).back(), "run_stopped");
  EXPECT_EQ(claimRun(tx, started.run.run_id, "rep_a", true, now()).error().name(),
            "run_not_pending");
}

TEST_F(LifeTest, AStopOfARunGoesThroughItsHostAndIsAskedForOnce) {
  const StartedRun started = running();
  removeIntent(tx, intentsOf(tx, "rep_a")[0].id);
  EXPECT_EQ(stop(started.session.session_id).run_id, started.run.run_id);
  stop(started.session.session_id);
  EXPECT_EQ(runStatusOf(started), RunStatus::Stopping);
  EXPECT_EQ(statusOf(started), SessionStatus::Stopping);
  const auto intents = intentsOf(tx, "rep_a");
  ASSERT_EQ(intents.size(), 1U);
  EXPECT_EQ(intents[0].kind, "stop");
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE event_type = 'stop_requested'"), 1);
  removeIntent(tx, intents[0].id);
  stop(started.session.session_id);  // who asks again after it was delivered is served again
  EXPECT_EQ(intentsOf(tx, "rep_a").size(), 1U);
  EXPECT_TRUE(end(started.run, RunStatus::Stopped, SessionStatus::Stopped));
  EXPECT_EQ(statusOf(started), SessionStatus::Stopped);
}

TEST_F(LifeTest, AStopOfAClaimedRunWaitsForItsHost) {
  const StartedRun claimed = claim(start());
  EXPECT_FALSE(stop(claimed.session.session_id).cancelled_before_launch);
  spool(claimed.run, {{.event_type = "run_start"}});  // the host had begun meanwhile
  EXPECT_EQ(runStatusOf(claimed), RunStatus::Stopping);
  EXPECT_EQ(statusOf(claimed), SessionStatus::Stopping);
}

TEST_F(LifeTest, ARunThatCompletedBeforeTheStopReachedItIsRecordedAsCompleted) {
  const StartedRun started = running();
  stop(started.session.session_id);
  EXPECT_TRUE(end(started.run, RunStatus::Completed, SessionStatus::Idle));
  EXPECT_EQ(runStatusOf(started), RunStatus::Completed);
  EXPECT_EQ(statusOf(started), SessionStatus::Stopping);  // until the host has gone
  ASSERT_TRUE(hostExited(tx, started.session.session_id, 1, SessionStatus::Stopped,
                         R"({"reason":"stop"})", now())
                  .ok());
  EXPECT_EQ(statusOf(started), SessionStatus::Stopped);
}

TEST_F(LifeTest, AStopOfAnIdleSessionEndsItsHost) {
  const StartedRun started = running();
  end(started.run, RunStatus::Completed, SessionStatus::Idle);
  const StopRequest request = stop(started.session.session_id);
  EXPECT_EQ(request.run_id, "");
  EXPECT_FALSE(request.already_over);
  EXPECT_EQ(request.session.status, SessionStatus::Stopping);
  EXPECT_EQ(intentsOf(tx, "rep_a").back().kind, "stop");
}

TEST_F(LifeTest, AStopOfAQueuedTurnEndsTheTurnAndThenTheHost) {
  const StartedRun first = running();
  end(first.run, RunStatus::Completed, SessionStatus::Idle);
  const StartedRun second = *resume(first.session.session_id);
  const StopRequest request = stop(first.session.session_id);
  EXPECT_TRUE(request.cancelled_before_launch);
  EXPECT_EQ(runStatusOf(second), RunStatus::Stopped);
  EXPECT_EQ(statusOf(first), SessionStatus::Stopping);
  EXPECT_EQ(intentsOf(tx, "rep_a").back().kind, "stop");
}

TEST_F(LifeTest, AStopOfWhatIsOverChangesNothing) {
  const StartedRun started = running();
  end(started.run, RunStatus::Completed, SessionStatus::Finished);
  const Types before = eventTypes(started.session.session_id);
  EXPECT_TRUE(stop(started.session.session_id).already_over);
  EXPECT_EQ(eventTypes(started.session.session_id), before);
  EXPECT_EQ(requestStop(tx, "ses_9", "rep_a", now()).error().name(), "session_not_found");
}

TEST_F(LifeTest, AHostThatExitsLeavesItsIdleSessionOverWithTheReasonOnce) {
  const StartedRun started = running();
  end(started.run, RunStatus::Completed, SessionStatus::Idle);
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(hostExited(tx, started.session.session_id, 1, SessionStatus::Finished,
                           R"({"reason":"idle"})", now())
                    .ok());
  const Session session = reread(started).session;
  EXPECT_EQ(session.status, SessionStatus::Finished);
  EXPECT_FALSE(session.host_live);
  EXPECT_EQ(session.owner, "");
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE event_type = 'host_exited'"), 1);
  const Json event = toJson(readEvents(tx, session.session_id, 0, 10).back());
  EXPECT_EQ(event["reason"], "idle");
  EXPECT_EQ(event["generation"], 1);
}

TEST_F(LifeTest, AnOldHostThatExitsChangesNothing) {
  const StartedRun first = running();
  end(first.run, RunStatus::Completed, SessionStatus::Idle);
  claim(*resume(first.session.session_id));
  ASSERT_TRUE(hostExited(tx, first.session.session_id, 1, SessionStatus::Failed, "", now()).ok());
  EXPECT_TRUE(reread(first).session.host_live);
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE event_type = 'host_exited'"), 0);
}

TEST_F(LifeTest, AHostThatExitsUnderItsRunLeavesTheStatusToTheOutcome) {
  const StartedRun started = running();
  ASSERT_TRUE(hostExited(tx, started.session.session_id, 1, SessionStatus::Failed,
                         "no json but a word", now())
                  .ok());
  EXPECT_EQ(statusOf(started), SessionStatus::Running);
  EXPECT_TRUE(end(started.run, RunStatus::Completed, SessionStatus::Idle));
  EXPECT_EQ(statusOf(started), SessionStatus::Finished);  // idle would need a host
}

TEST_F(LifeTest, OnlyWhatIsOverIsDeletedAndEverythingOfItGoes) {
  const StartedRun started = running();
  NewSession input = newSession();
  input.parent_session_id = started.session.session_id;
  const StartedRun child = start(input);
  EXPECT_EQ(deleteSession(tx, started.session.session_id).error().name(), "session_active");
  end(started.run, RunStatus::Completed, SessionStatus::Finished);
  const auto deleted = deleteSession(tx, started.session.session_id);
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(deleted->run_ids, std::vector<std::string>{started.run.run_id});
  EXPECT_EQ(deleted->events_count, 4);
  EXPECT_EQ(findSession(tx, started.session.session_id).error().name(), "session_not_found");
  EXPECT_FALSE(findRun(tx, started.run.run_id).ok());
  EXPECT_TRUE(readEvents(tx, started.session.session_id, 0, 10).empty());
  EXPECT_EQ(reread(child).session.parent_session_id, "");
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE session_id IS NULL AND event_type ="
                  " 'session_deleted'"),
            1);  // wakes who waits for the session
  EXPECT_EQ(deleteSession(tx, started.session.session_id).error().code(), Code::NotFound);
}

TEST_F(LifeTest, OnlyTheLastThousandDeletionsAreKeptAsNews) {
  for (int i = 0; i < 1003; ++i) {
    const StartedRun started = start();
    stop(started.session.session_id);
    ASSERT_TRUE(deleteSession(tx, started.session.session_id).ok());
  }
  EXPECT_EQ(count("SELECT count(*) FROM events"), 1000);
}

}  // namespace
}  // namespace tutti::agents
