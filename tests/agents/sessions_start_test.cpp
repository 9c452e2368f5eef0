#include <nlohmann/json.hpp>

#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {

class StartTest : public SessionsTest {};

TEST_F(StartTest, AStartLeavesSessionRunEventAndIntent) {
  NewSession input = newSession("chapter-1");
  input.mode = ExecutionMode::Sync;
  input.model = "opus";
  const StartedRun started = start(input);
  const Session session = *findSession(tx, started.session.session_id);
  EXPECT_EQ(session.session_id.substr(0, 4), "ses_");
  EXPECT_EQ(session.status, SessionStatus::Pending);
  EXPECT_EQ(session.name, "chapter-1");
  EXPECT_EQ(session.executor_profile, "claude");
  EXPECT_EQ(session.model, "opus");
  EXPECT_EQ(session.blueprint, input.blueprint);
  EXPECT_EQ(session.created_at, input.now);
  EXPECT_EQ(session.generation, 0);
  EXPECT_FALSE(session.host_live);
  const Run run = *latestRun(tx, session.session_id);
  EXPECT_EQ(run.run_id, started.run.run_id);
  EXPECT_EQ(run.status, RunStatus::Pending);
  EXPECT_EQ(run.type, RunType::StartSession);
  EXPECT_EQ(run.mode, ExecutionMode::Sync);
  EXPECT_EQ(run.parameters, input.parameters);
  EXPECT_EQ(eventTypes(session.session_id), Types{"session_created"});
  const auto intents = intentsOf(tx, "rep_a");
  ASSERT_EQ(intents.size(), 1U);
  EXPECT_EQ(intents[0].kind, "launch");
  EXPECT_EQ(intents[0].run_id, run.run_id);
}

TEST_F(StartTest, AnIdOfTheCallersOwnIsTakenOnceAndMustBeSafe) {
  NewSession input = newSession();
  input.session_id = "mine-1";
  EXPECT_EQ(start(input).session.session_id, "mine-1");
  EXPECT_EQ(startSession(tx, input, limits).error().name(), "session_exists");
  input.session_id = "../etc";
  EXPECT_EQ(startSession(tx, input, limits).error().name(), "invalid_session_id");
}

TEST_F(StartTest, NamesAndIdsAreOneSpaceAndMayBeTakenOnce) {
  const StartedRun first = start(newSession("taken"));
  auto again = startSession(tx, newSession("taken"), limits);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Code::Conflict);
  EXPECT_EQ(again.error().name(), "name_taken");
  EXPECT_NE(again.error().message().find(first.session.session_id), std::string::npos);
  EXPECT_EQ(startSession(tx, newSession(first.session.session_id), limits).error().name(),
            "name_taken");
  NewSession input = newSession();
  input.session_id = "taken";
  EXPECT_EQ(startSession(tx, input, limits).error().name(), "session_exists");
  EXPECT_EQ(findSession(tx, "taken")->session_id, first.session.session_id);
  start();
  start();  // no name is no name: any number of them
}

TEST_F(StartTest, AParentThatIsNotThereIsNamed) {
  NewSession input = newSession();
  input.parent_session_id = "ses_none";
  const auto started = startSession(tx, input, limits);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), Code::NotFound);
  EXPECT_EQ(started.error().name(), "parent_not_found");
  EXPECT_EQ(started.error().message(), "parent session 'ses_none' not found");
}

TEST_F(StartTest, TheTreeIsAsDeepAsItsLimitAndNoDeeper) {
  limits.depth_max = 3;
  std::string parent;
  for (int depth = 0; depth <= 3; ++depth) {
    NewSession input = newSession();
    input.parent_session_id = parent;
    const StartedRun started = start(input);
    EXPECT_EQ(started.session.depth, depth);
    parent = started.session.session_id;
  }
  NewSession input = newSession();
  input.parent_session_id = parent;
  const auto deeper = startSession(tx, input, limits);
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.error().code(), Code::ResourceExhausted);
  EXPECT_EQ(deeper.error().name(), "depth_max");
  EXPECT_NE(deeper.error().message().find("3 deep"), std::string::npos);
  EXPECT_NE(deeper.error().hint().find("--depth-max"), std::string::npos);
}

TEST_F(StartTest, AParentHasAsManyUnfinishedChildrenAsTheLimitAllows) {
  limits.children_max = 2;
  NewSession child = newSession();
  child.parent_session_id = start().session.session_id;
  const StartedRun first = start(child);
  start(child);
  const auto third = startSession(tx, child, limits);
  ASSERT_FALSE(third.ok());
  EXPECT_EQ(third.error().name(), "children_max");
  EXPECT_NE(third.error().message().find("2 are allowed"), std::string::npos);
  EXPECT_NE(third.error().hint().find("--children-max"), std::string::npos);
  end(claim(first).run, RunStatus::Completed, SessionStatus::Idle);  // its work is done
  start(child);
}

TEST_F(StartTest, AResumeQueuesAFurtherRunAndTheSessionIsPendingAgain) {
  const StartedRun first = running();
  end(first.run, RunStatus::Completed, SessionStatus::Idle);
  const auto second = resume(first.session.session_id);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->run.type, RunType::ResumeSession);
  EXPECT_EQ(statusOf(first), SessionStatus::Pending);
  EXPECT_FALSE(reread(first).session.last_resumed_at.empty());
  EXPECT_EQ(latestRun(tx, first.session.session_id)->run_id, second->run.run_id);
  EXPECT_EQ(eventTypes(first.session.session_id).back(), "run_queued");
  EXPECT_EQ(intentsOf(tx, "rep_a").back().run_id, second->run.run_id);
}

TEST_F(StartTest, LaunchesAreReadAFewAtATimeAndTheOldestFirst) {
  const StartedRun first = start();
  const StartedRun second = start();
  start();
  const auto launches = launchIntents(tx, "rep_a", 2);
  ASSERT_EQ(launches.size(), 2U);
  EXPECT_EQ(launches[0].run_id, first.run.run_id);
  EXPECT_EQ(launches[1].run_id, second.run.run_id);
  EXPECT_TRUE(hostIntents(tx, "rep_a", 10).empty());
  EXPECT_TRUE(launchIntents(tx, "rep_b", 10).empty());
  EXPECT_TRUE(hasIntentToRun(tx, "rep_a", first.run));
  EXPECT_FALSE(hasIntentToRun(tx, "rep_b", first.run));
}

TEST_F(StartTest, ATurnOfALiveHostAndAStopDoNotWaitAmongTheLaunches) {
  const StartedRun idle = running();
  const StartedRun busy = running();
  for (const Intent& intent : intentsOf(tx, "rep_a")) removeIntent(tx, intent.id);
  start();
  end(idle.run, RunStatus::Completed, SessionStatus::Idle);
  const auto turn = resume(idle.session.session_id);
  ASSERT_TRUE(turn.ok());
  ASSERT_TRUE(requestStop(tx, busy.session.session_id, "rep_a", now()).ok());
  const auto intents = hostIntents(tx, "rep_a", 10);
  ASSERT_EQ(intents.size(), 2U);
  EXPECT_EQ(intents[0].kind, "turn");
  EXPECT_EQ(intents[0].run_id, turn->run.run_id);
  EXPECT_EQ(intents[1].kind, "stop");
  EXPECT_EQ(launchIntents(tx, "rep_a", 10).size(), 1U);
  EXPECT_TRUE(hasIntentToRun(tx, "rep_a", turn->run));
}

TEST_F(StartTest, ATurnOfASessionWithoutAHostIsALaunch) {
  const StartedRun over = running();
  removeIntent(tx, intentsOf(tx, "rep_a")[0].id);
  end(over.run, RunStatus::Completed, SessionStatus::Idle);
  ASSERT_TRUE(hostExited(tx, over.session.session_id, 1, SessionStatus::Finished, "", now()).ok());
  ASSERT_TRUE(resume(over.session.session_id).ok());
  EXPECT_EQ(launchIntents(tx, "rep_a", 10).size(), 1U);
}

TEST_F(StartTest, ASessionIsResumedByItsNameFromEveryEnd) {
  for (const SessionStatus over :
       {SessionStatus::Finished, SessionStatus::Stopped, SessionStatus::Failed}) {
    const std::string name = "named-" + std::string(toString(over));
    const StartedRun first = claim(start(newSession(name)));
    end(first.run, RunStatus::Failed, over);
    EXPECT_TRUE(resume(name).ok());
  }
}

TEST_F(StartTest, ABusySessionIsNotResumedAndTheErrorNamesTheRun) {
  const StartedRun first = start();
  const auto second = resume(first.session.session_id);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), Code::Conflict);
  EXPECT_EQ(second.error().name(), "session_busy");
  EXPECT_NE(second.error().message().find(first.run.run_id + "' is pending"), std::string::npos);
  EXPECT_EQ(json::parse(second.error().details())->at("run_id"), first.run.run_id);
}

TEST_F(StartTest, ASessionThatIsBeingStoppedIsNotResumed) {
  const StartedRun first = running();
  end(first.run, RunStatus::Completed, SessionStatus::Idle);
  stop(first.session.session_id);
  EXPECT_EQ(resume(first.session.session_id).error().name(), "session_busy");
}

TEST_F(StartTest, AProgramIsNotResumed) {
  NewSession input = newSession();
  input.driver = "process";
  const StartedRun first = claim(start(input));
  end(first.run, RunStatus::Completed, SessionStatus::Finished);
  EXPECT_EQ(resume(first.session.session_id).error().name(), "procedural_agent_no_resume");
}

TEST_F(StartTest, AnUnknownSessionIsNotFoundAndSaysWhereToLook) {
  const auto found = resume("ses_9");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().name(), "session_not_found");
  EXPECT_EQ(found.error().message(), "session 'ses_9' not found");
  EXPECT_NE(found.error().hint().find("list_sessions"), std::string::npos);
  EXPECT_EQ(findRun(tx, "run_9").error().name(), "run_not_found");
  EXPECT_EQ(latestRun(tx, "ses_9").error().code(), Code::NotFound);
}

}  // namespace
}  // namespace tutti::agents
