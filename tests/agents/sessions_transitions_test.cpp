// Every pair of statuses, at the only functions that change one, and at those that end a run.
#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {
constexpr int kSessionStatuses = 7;

class TransitionsTest : public SessionsTest {
 protected:
  void forceRun(const std::string& run_id, RunStatus status) {
    store::Statement(tx, "UPDATE runs SET status = ? WHERE run_id = ?", toString(status), run_id)
        .run();
  }
  void forceSession(const std::string& session_id, SessionStatus status) {
    store::Statement(tx, "UPDATE sessions SET status = ? WHERE session_id = ?", toString(status),
                     session_id)
        .run();
  }
};

TEST_F(TransitionsTest, ARunChangesAlongTheTableAndNowhereElse) {
  const StartedRun started = start();
  for (int from = 0; from < kSessionStatuses; ++from)
    for (int to = 0; to < kSessionStatuses; ++to) {
      if (from == to) continue;
      forceRun(started.run.run_id, static_cast<RunStatus>(from));
      Run run = *findRun(tx, started.run.run_id);
      const Status moved = moveRun(tx, run, static_cast<RunStatus>(to));
      const bool legal = mayChange(static_cast<RunStatus>(from), static_cast<RunStatus>(to));
      ASSERT_EQ(moved.ok(), legal) << from << " to " << to;
      EXPECT_EQ(static_cast<int>(findRun(tx, run.run_id)->status), legal ? to : from);
      if (!legal) {
        EXPECT_EQ(moved.error().name(), "illegal_transition");
      }
    }
}

TEST_F(TransitionsTest, ASessionChangesAlongTheTableAndNowhereElse) {
  const StartedRun started = start();
  for (int from = 0; from < kSessionStatuses; ++from)
    for (int to = 0; to < kSessionStatuses; ++to) {
      if (from == to) continue;
      forceSession(started.session.session_id, static_cast<SessionStatus>(from));
      Session session = *findSession(tx, started.session.session_id);
      const Status moved = moveSession(tx, session, static_cast<SessionStatus>(to));
      const bool legal =
          mayChange(static_cast<SessionStatus>(from), static_cast<SessionStatus>(to));
      ASSERT_EQ(moved.ok(), legal) << from << " to " << to;
      EXPECT_EQ(static_cast<int>(findSession(tx, session.session_id)->status), legal ? to : from);
      if (!legal) {
        EXPECT_EQ(moved.error().name(), "illegal_transition");
      }
    }
}

TEST_F(TransitionsTest, AnIllegalChangeNamesBothEnds) {
  const StartedRun started = start();
  Run run = started.run;
  const Status moved = moveRun(tx, run, RunStatus::Completed);
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().code(), Code::Conflict);
  EXPECT_EQ(moved.error().message(),
            "run '" + run.run_id + "' is pending and cannot become completed");
}

TEST_F(TransitionsTest, ARowThatHasChangedSinceItWasReadIsNotOverwritten) {
  const StartedRun started = start();
  Run stale = started.run;
  forceRun(started.run.run_id, RunStatus::Stopped);
  EXPECT_FALSE(moveRun(tx, stale, RunStatus::Claimed).ok());
  EXPECT_EQ(runStatusOf(started), RunStatus::Stopped);
}

TEST_F(TransitionsTest, AnOutcomeEndsEveryUnfinishedRunItLegallyCanAndNoOther) {
  for (int from = 0; from < kSessionStatuses; ++from) {
    for (const RunStatus to : {RunStatus::Completed, RunStatus::Failed, RunStatus::Stopped}) {
      const StartedRun started = start();
      const auto was = static_cast<RunStatus>(from);
      forceRun(started.run.run_id, was);
      const auto ended =
          applyOutcome(tx, started.run.run_id, 0, outcome(to, SessionStatus::Failed));
      const bool refused = was == RunStatus::Pending && to == RunStatus::Completed;
      ASSERT_EQ(ended.ok(), !refused) << toString(was) << " to " << toString(to);
      if (refused) {
        EXPECT_EQ(ended.error().name(), "illegal_transition");
      }
      if (ended.ok()) {
        EXPECT_EQ(*ended, !isTerminal(was));
      }
      EXPECT_EQ(runStatusOf(started), isTerminal(was) || refused ? was : to);
    }
  }
}

TEST_F(TransitionsTest, AnOutcomeThatIsNoEndIsRefused) {
  const StartedRun started = running();
  for (int i = 0; i < kSessionStatuses; ++i) {
    const auto status = static_cast<RunStatus>(i);
    const auto session = static_cast<SessionStatus>(i);
    if (!isTerminal(status)) {
      EXPECT_EQ(applyOutcome(tx, started.run.run_id, 1, outcome(status, SessionStatus::Idle))
                    .error()
                    .name(),
                "outcome_not_final");
    }
    if (!isTerminal(session) && session != SessionStatus::Idle) {
      EXPECT_EQ(applyOutcome(tx, started.run.run_id, 1, outcome(RunStatus::Completed, session))
                    .error()
                    .name(),
                "outcome_not_final");
    }
  }
  EXPECT_EQ(runStatusOf(started), RunStatus::Running);
}

TEST_F(TransitionsTest, TheStoreItselfRefusesASecondUnfinishedRunAndUnknownWords) {
  const StartedRun started = start();
  EXPECT_THROW(
      tx.execute("INSERT INTO runs(run_id, session_id, type, status, execution_mode,"
                 " created_at) VALUES ('run_x', '" +
                 started.session.session_id + "', 'resume_session', 'pending', 'sync', 't')"),
      store::DatabaseError);
  EXPECT_THROW(tx.execute("UPDATE sessions SET status = 'banana'"), store::DatabaseError);
}

}  // namespace
}  // namespace tutti::agents
