// Random operations in random order: whatever happens, the invariants of a session's life hold, and
// the store says of each run what a model of a few lines says.
#include <map>
#include <random>

#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {

class PropertyTest : public SessionsTest {
 protected:
  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  /// One random thing happens to one random session.
  void step() {
    if (sessions_.empty() || pick(8) == 0) {
      const StartedRun started = start();
      sessions_.push_back(started.session.session_id);
      return;
    }
    const std::string id = sessions_[pick(sessions_.size())];
    const auto session = findSession(tx, id);
    if (!session.ok()) return;
    const Run run = *latestRun(tx, id);
    // Mostly the generation that counts, now and then another.
    const std::int64_t generation =
        run.generation + (pick(6) == 0 ? 1 : 0) - (pick(6) == 0 ? 1 : 0);
    switch (pick(8)) {
      case 0:
        (void)resume(id);
        break;
      case 1:
        (void)claimRun(tx, run.run_id, "rep_a", pick(2) == 0, now());
        break;
      case 2: {
        Run as = run;
        as.generation = generation;
        (void)trySpool(as, {{.event_type = pick(2) == 0 ? "run_start" : "message"}},
                       run.spool_offset - static_cast<std::int64_t>(pick(2)), run.spool_offset + 5);
        break;
      }
      case 3:
      case 4:
        (void)applyOutcome(tx, run.run_id, generation, randomOutcome());
        break;
      case 5:
        (void)requestStop(tx, id, "rep_b", now());
        break;
      case 6:
        (void)hostExited(tx, id, session->generation - static_cast<std::int64_t>(pick(2)),
                         kOver[pick(3)], "{}", now());
        break;
      default:
        if (pick(4) == 0 && deleteSession(tx, id).ok()) ended_.clear();
        break;
    }
  }

  Outcome randomOutcome() {
    static constexpr RunStatus kEnds[] = {RunStatus::Completed, RunStatus::Failed,
                                          RunStatus::Stopped};
    static constexpr SessionStatus kLeft[] = {SessionStatus::Idle, SessionStatus::Finished,
                                              SessionStatus::Stopped, SessionStatus::Failed};
    Outcome made = outcome(kEnds[pick(3)], kLeft[pick(4)]);
    made.result_text = std::to_string(pick(1000));
    return made;
  }

  void check() {
    ASSERT_EQ(count("SELECT count(*) FROM (SELECT session_id FROM runs WHERE " +
                    std::string(kUnfinished) + " GROUP BY session_id HAVING count(*) > 1)"),
              0)
        << "two unfinished runs";
    const std::string has_unfinished =
        "EXISTS (SELECT 1 FROM runs WHERE runs.session_id = s.session_id AND runs." +
        std::string(kUnfinished) + ")";
    ASSERT_EQ(count("SELECT count(*) FROM sessions s WHERE status IN ('finished', 'stopped',"
                    " 'failed', 'idle') AND " +
                    has_unfinished),
              0)
        << "a session is at rest while a run of it is not";
    ASSERT_EQ(count("SELECT count(*) FROM sessions s WHERE status IN ('pending', 'running') AND"
                    " NOT " +
                    has_unfinished),
              0)
        << "a session waits for nothing";
    ASSERT_EQ(count("SELECT count(*) FROM sessions WHERE status IN ('idle') AND host_live = 0"), 0)
        << "idle without a host";
    ASSERT_EQ(count("SELECT count(*) FROM outbox WHERE kind = 'launch' AND run_id IN"
                    " (SELECT run_id FROM runs WHERE NOT " +
                    std::string(kUnfinished) + ")"),
              0)
        << "a run that is over would be launched";
    checkEndsStand();
  }

  /// What a run ended with never changes.
  void checkEndsStand() {
    store::Statement rows(tx,
                          "SELECT run_id, status, coalesce(result_text, ''), completed_at FROM runs"
                          " WHERE NOT " +
                              std::string(kUnfinished));
    while (rows.step()) {
      const std::string now_is = rows.text(1) + "/" + rows.text(2) + "/" + rows.text(3);
      const auto [known, is_new] = ended_.emplace(rows.text(0), now_is);
      ASSERT_EQ(known->second, now_is) << rows.text(0);
    }
  }

  static constexpr SessionStatus kOver[] = {SessionStatus::Finished, SessionStatus::Stopped,
                                            SessionStatus::Failed};
  std::mt19937 random_{1};
  std::vector<std::string> sessions_;
  std::map<std::string, std::string> ended_;
};

TEST_F(PropertyTest, InvariantsHoldAfterEveryStep) {
  limits.events_max = 20;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    random_.seed(seed);
    for (int i = 0; i < 250; ++i) {
      step();
      ASSERT_NO_FATAL_FAILURE(check()) << "seed " << seed << " step " << i;
    }
    tx.execute("DELETE FROM sessions");
    sessions_.clear();
    ended_.clear();
  }
}

}  // namespace
}  // namespace tutti::agents
