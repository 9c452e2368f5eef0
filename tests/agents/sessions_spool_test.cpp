// A run's spool into the log: exactly once, bounded, and whose generation counts.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "server/store/store.hpp"
#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {

class SpoolTest : public SessionsTest {};

TEST_F(SpoolTest, AChunkIsStoredWholeOrNotAtAll) {
  const StartedRun started = claim(start());
  ASSERT_TRUE(trySpool(started.run, {{.event_type = "run_start"}}, 0, 50).ok());
  const Status again = trySpool(started.run, {{.event_type = "run_start"}}, 0, 50);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Code::Conflict);
  EXPECT_EQ(again.error().name(), "spool_moved");
  EXPECT_EQ(trySpool(started.run, {{.event_type = "x"}}, 60, 90).error().name(), "spool_moved");
  EXPECT_EQ(trySpool(started.run, {{.event_type = "x"}}, 50, 40).error().name(), "spool_moved");
  EXPECT_EQ(reread(started).run.spool_offset, 50);
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE event_type = 'run_start'"), 1);
  Run unknown;
  unknown.run_id = "run_9";
  EXPECT_EQ(trySpool(unknown, {}, 0, 1).error().name(), "run_not_found");
}

TEST_F(SpoolTest, EventsCarryTheIdsOfTheirRunWhateverTheySay) {
  const StartedRun started = claim(start());
  spool(started.run, {{.session_id = "ses_x", .run_id = "run_x", .event_type = "message"}});
  const Event event = readEvents(tx, started.session.session_id, 0, 10).back();
  EXPECT_EQ(event.session_id, started.session.session_id);
  EXPECT_EQ(event.run_id, started.run.run_id);
}

TEST_F(SpoolTest, BindSetsTheConversationAndHowItWasResumed) {
  const StartedRun started = claim(start());
  spool(started.run, {{.event_type = "run_start"},
                      {.event_type = "bind",
                       .data = R"({"executor_session_id":"uuid-1","resume_mode":"resumed_lossy",)"
                               R"("resume_reason":"another model"})"}});
  EXPECT_EQ(reread(started).session.executor_session_id, "uuid-1");
  EXPECT_EQ(reread(started).run.resume_mode, "resumed_lossy");
  EXPECT_EQ(reread(started).run.resume_reason, "another model");
  spool(started.run,
        {{.event_type = "bind", .data = "garbage"}, {.event_type = "bind", .data = "{}"}});
  EXPECT_EQ(reread(started).session.executor_session_id, "uuid-1");
}

TEST_F(SpoolTest, ContentNeverFailsAnEvent) {
  const StartedRun started = claim(start());
  spool(started.run, {{.event_type = "message", .data = "\xff\xfe"},
                      {.event_type = "message", .data = ""},
                      {.event_type = "", .data = std::string("{\"a\":\"\0\"}", 9)}});
  const auto events = readEvents(tx, started.session.session_id, 0, 10);
  ASSERT_EQ(events.size(), 5U);
  for (const Event& event : events) EXPECT_NO_THROW(json::dump(toJson(event)));
}

TEST_F(SpoolTest, EventsUpToTheLimitAreStoredTheRestIsCountedAndSaidOnce) {
  limits.events_max = 3;
  const StartedRun started = claim(start());
  spool(started.run, {{.event_type = "a"}, {.event_type = "b"}});
  spool(started.run, {{.event_type = "c"}});
  EXPECT_EQ(eventTypes(started.session.session_id),
            (Types{"session_created", "run_claimed", "a", "b", "c"}));  // at the bound: all
  spool(started.run, {{.event_type = "d"}, {.event_type = "run_start"}});
  spool(started.run, {{.event_type = "e"}});
  EXPECT_EQ(eventTypes(started.session.session_id).back(), "events_dropped");
  EXPECT_EQ(count("SELECT count(*) FROM events WHERE event_type = 'events_dropped'"), 1);
  EXPECT_EQ(count("SELECT events_dropped FROM runs"), 3);
  EXPECT_EQ(toJson(readEvents(tx, started.session.session_id, 0, 10).back())["events_max"], 3);
  EXPECT_EQ(runStatusOf(started), RunStatus::Running);  // what they mean is not dropped
}

TEST_F(SpoolTest, AChunkThatCrossesTheLimitIsStoredUpToIt) {
  limits.events_max = 2;
  const StartedRun started = claim(start());
  spool(started.run, {{.event_type = "a"}, {.event_type = "b"}, {.event_type = "c"}});
  EXPECT_EQ(eventTypes(started.session.session_id),
            (Types{"session_created", "run_claimed", "a", "b", "events_dropped"}));
}

TEST_F(SpoolTest, AStaleGenerationIsStoredButMovesNothing) {
  StartedRun started = claim(start());
  started.run.generation = 9;
  spool(started.run, {{.event_type = "run_start"},
                      {.event_type = "bind", .data = R"({"executor_session_id":"stale"})"}});
  EXPECT_EQ(runStatusOf(started), RunStatus::Claimed);
  EXPECT_EQ(reread(started).session.executor_session_id, "");
  EXPECT_EQ(eventTypes(started.session.session_id).size(), 4U);
}

TEST_F(SpoolTest, WhatComesAfterTheEndIsStoredButMovesNothing) {
  const StartedRun started = claim(start());
  end(started.run, RunStatus::Failed, SessionStatus::Failed);
  spool(started.run, {{.event_type = "run_start"}});
  EXPECT_EQ(runStatusOf(started), RunStatus::Failed);
  EXPECT_EQ(statusOf(started), SessionStatus::Failed);
}

/// A store on disk, for more than one process or thread.
class SharedSpoolTest : public ::testing::Test {
 protected:
  using Run = agents::Run;
  SharedSpoolTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tutti-agents-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~SharedSpoolTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::unique_ptr<store::Store> open() {
    auto opened = store::Store::open(folder_, migrations());
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  static constexpr int kLines = 300;

  Run claimedRun(store::Store& store) {
    Run run;
    const Status made = store.writeAndWait([&run](store::Tx& tx) -> Status {
      NewSession input;
      input.agent_name = "writer";
      input.driver = "claude";
      input.now = "t";
      auto started = startSession(tx, input, {});
      if (!started.ok()) return started.error();
      auto claimed = claimRun(tx, started->run.run_id, "rep_a", true, "t");
      if (!claimed.ok()) return claimed.error();
      run = claimed->run;
      return ok();
    });
    EXPECT_TRUE(made.ok());
    return run;
  }

  /// Applies line after line, a byte each, wherever the store stands, until all are in. Ends the
  /// run with the last. Returns how often this applier was the one that ended it, or -1.
  static int applyAll(store::Store& store, const Run& run) {
    int ended = 0;
    for (;;) {
      std::int64_t at = 0;
      const Status found = store.readAndWait([&](store::Connection& db) -> Status {
        at = findRun(db, run.run_id)->spool_offset;
        return ok();
      });
      if (!found.ok()) return -1;
      const std::int64_t to = std::min<std::int64_t>(at + 7, kLines);
      SpoolChunk chunk{run.run_id, run.generation, at, to, {}};
      for (std::int64_t line = at; line < to; ++line)
        chunk.events.push_back({.event_type = "line " + std::to_string(line), .timestamp = "t"});
      const Status applied = store.writeAndWait([&](store::Tx& tx) -> Status {
        if (Status done = applySpool(tx, chunk, {}); !done.ok()) return done;
        if (to < kLines) return ok();
        Outcome outcome;
        outcome.status = RunStatus::Completed;
        outcome.session_status = SessionStatus::Finished;
        outcome.json = "{}";
        outcome.completed_at = "t";
        const auto over = applyOutcome(tx, run.run_id, run.generation, outcome);
        if (!over.ok()) return over.error();
        if (*over) ++ended;
        return ok();
      });
      if (!applied.ok() && applied.error().name() != "spool_moved") return -1;
      if (to == kLines) return ended;
    }
  }

  void expectEachLineOnceInOrder(store::Store& store, const Run& run) {
    std::vector<Event> events;
    ASSERT_TRUE(store
                    .readAndWait([&](store::Connection& db) {
                      events = readEvents(db, run.session_id, 0, 10'000);
                      return ok();
                    })
                    .ok());
    ASSERT_EQ(events.size(), kLines + 3U);  // created, claimed, completed
    for (int line = 0; line < kLines; ++line)
      EXPECT_EQ(events[static_cast<std::size_t>(line) + 2].event_type,
                "line " + std::to_string(line));
    EXPECT_EQ(events.back().event_type, "run_completed");
  }

  std::filesystem::path folder_;
};

TEST_F(SharedSpoolTest, CompetingReplicasStoreEachLineOnceAndOneEndsTheRun) {
  const auto first = open();
  const auto second = open();
  const Run run = claimedRun(*first);
  int ended[4] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { ended[i] = applyAll(i % 2 == 0 ? *first : *second, run); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ended[0] + ended[1] + ended[2] + ended[3], 1);
  expectEachLineOnceInOrder(*first, run);
}

TEST_F(SharedSpoolTest, CompetingProcessesStoreEachLineOnceAndOneEndsTheRun) {
  const Run run = claimedRun(*open());
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto store = open();
      ::_exit(store == nullptr ? 50 : applyAll(*store, run) + 1);
    }
    children.push_back(pid);
  }
  int ended = 0;
  for (const pid_t pid : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFEXITED(status));
    ended += WEXITSTATUS(status) - 1;
  }
  EXPECT_EQ(ended, 1);
  expectEachLineOnceInOrder(*open(), run);
}

}  // namespace
}  // namespace tutti::agents
