// Tasks in the store, as two replicas over one file see them.
#include "server/tasks/durable_store.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <optional>
#include <set>

#include "server/base/log.hpp"
#include "server/store/folder_watch.hpp"
#include "server/store/statement.hpp"
#include "server/tasks/migrations.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::tasks {
namespace {
using mcp::Task;
using mcp::TaskChange;
using mcp::TaskStatus;
using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  WallTime now() const override { return now_; }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  WallTime now_ = WallTime(std::chrono::seconds(1'800'000'000));
};

/// Timers that ring when the test says so.
class HandTimers final : public mcp::Timers {
 public:
  std::shared_ptr<void> after(std::int64_t /*delay_ms*/, std::function<void()> callback) override {
    auto alarm = std::make_shared<std::function<void()>>(std::move(callback));
    alarms_.push_back(alarm);
    return alarm;
  }
  int ring() {
    int rung = 0;
    for (const auto& weak : std::exchange(alarms_, {}))
      if (const auto alarm = weak.lock()) {
        ++rung;
        (*alarm)();
      }
    return rung;
  }

 private:
  std::vector<std::weak_ptr<std::function<void()>>> alarms_;
};

/// The notifier reads events, so there must be some.
std::vector<store::Migration> tables() {
  std::vector<store::Migration> all = {
      {1, "events", "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT)"}};
  all.insert(all.end(), migrations().begin(), migrations().end());
  return all;
}

/// One process over the store.
class Replica {
 public:
  struct Options {
    std::string id;
    const Clock* clock;
    std::set<std::string>* dead;
    std::size_t tasks_max = 100;
  };
  Replica(const std::filesystem::path& folder, const Options& options) {
    store::StoreOptions patience;
    patience.busy_timeout_ms = 2'000;
    auto opened = store::Store::open(folder, tables(), patience);
    EXPECT_TRUE(opened.ok());
    store_ = std::move(*opened);
    notifier_.emplace(io_, *store_, folders_);
    EXPECT_TRUE(notifier_->start().ok());
    tasks = std::make_shared<DurableTaskStore>(DurableTaskStore::Parts{
        *store_, *notifier_,
        [this](std::function<void()> work) { boost::asio::post(io_, std::move(work)); }, options.id,
        [dead = options.dead](const std::string& id) { return dead->contains(id); }, timers,
        options.clock, options.tasks_max});
    tasks->onChange([this](const Task& task) { seen.push_back(task); });
    tasks->onOrphan([this](Task task) { inherited.push_back(std::move(task)); });
  }
  ~Replica() {
    tasks.reset();
    notifier_.reset();
    store_.reset();  // its threads post to io_
  }

  template <class Ready>
  bool runUntil(Ready ready) {
    const auto deadline = std::chrono::steady_clock::now() + 1min;
    io_.restart();
    while (!ready() && std::chrono::steady_clock::now() < deadline) io_.run_one_for(100ms);
    return ready();
  }
  /// What an operation gives to its `done`.
  template <class T, class Begin>
  Result<T> wait(Begin begin) {
    auto given = std::make_shared<std::optional<Result<T>>>();
    begin([given](Result<T> result) { given->emplace(std::move(result)); });
    if (!runUntil([&] { return given->has_value(); })) return Error(Code::Internal, "no answer");
    return std::move(**given);
  }
  Result<Task> create(Task task) {
    return wait<Task>([&](auto done) { tasks->create(std::move(task), done); });
  }
  Result<Task> get(const std::string& id, const std::string& owner = "me") {
    return wait<Task>([&](auto done) { tasks->get(id, owner, done); });
  }
  Result<Task> change(const std::string& id, TaskChange change) {
    return wait<Task>([&](auto done) { tasks->change(id, std::move(change), done); });
  }
  Result<std::vector<Task>> list(const mcp::TaskQuery& query) {
    return wait<std::vector<Task>>([&](auto done) { tasks->list(query, done); });
  }
  std::int64_t count() {
    std::int64_t count = -1;
    EXPECT_TRUE(store_
                    ->readAndWait([&](store::Connection& db) -> Status {
                      store::Statement rows(db, "SELECT count(*) FROM tasks");
                      if (rows.step()) count = rows.integer(0);
                      return ok();
                    })
                    .ok());
    return count;
  }
  Status unfinished(const std::string& id) {
    return store_->readAndWait(
        [&](store::Connection& db) -> Status { return checkUnfinished(db, id); });
  }

  std::shared_ptr<HandTimers> timers = std::make_shared<HandTimers>();
  std::vector<Task> seen;
  std::vector<Task> inherited;
  std::shared_ptr<DurableTaskStore> tasks;

 private:
  boost::asio::io_context io_;
  store::FolderWatch folders_{io_};
  std::unique_ptr<store::Store> store_;
  std::optional<store::Notifier> notifier_;
};

Task made(const std::string& id) {
  Task task;
  task.id = id;
  task.owner = "me";
  task.ttl_ms = 60'000;
  task.poll_ms = 500;
  task.request = "{\"method\":\"tools/call\"}";
  return task;
}

class DurableStoreTest : public testing::Test {
 protected:
  DurableStoreTest() { log::configure(log::Level::Off); }
  std::unique_ptr<Replica> replica(const std::string& id, std::size_t tasks_max = 100) {
    return std::make_unique<Replica>(folder_.path(),
                                     Replica::Options{id, &clock_, &dead_, tasks_max});
  }

  /// Another process that holds the write lock for too long.
  std::unique_ptr<store::Connection> lock() {
    auto held = std::make_unique<store::Connection>((folder_.path() / "tutti.db").string(),
                                                    store::Access::ReadWrite);
    held->execute("BEGIN IMMEDIATE");
    return held;
  }

  fixture::TempFolder folder_;
  HandClock clock_;
  std::set<std::string> dead_;
};

TEST_F(DurableStoreTest, ATaskIsThereWithAllThatItHasAlsoAfterARestart) {
  Task task = made("t1");
  task.session = "client";
  task.status_message = "begun";
  ASSERT_TRUE(replica("a")->create(task).ok());
  const auto found = replica("b")->get("t1");
  ASSERT_TRUE(found.ok()) << found.error().text();
  EXPECT_EQ(found->session, "client");
  EXPECT_EQ(found->status, TaskStatus::Working);
  EXPECT_EQ(found->status_message, "begun");
  EXPECT_EQ(found->created, clock_.now());
  EXPECT_EQ(found->ttl_ms, 60'000);
  EXPECT_EQ(found->poll_ms, 500);
  EXPECT_EQ(found->request, task.request);
}

TEST_F(DurableStoreTest, NobodyElseAndNobodyTooLateSeesIt) {
  const auto a = replica("a");
  ASSERT_TRUE(a->create(made("t1")).ok());
  EXPECT_EQ(a->get("t1", "you").error().name(), "unknown_task");
  EXPECT_EQ(a->get("t2").error().name(), "unknown_task");
  clock_.pass(59'999ms);
  EXPECT_TRUE(a->get("t1").ok());
  clock_.pass(1ms);
  EXPECT_EQ(a->get("t1").error().name(), "unknown_task");
  EXPECT_EQ(a->change("t1", {.status_message = "late"}).error().name(), "unknown_task");
}

TEST_F(DurableStoreTest, CallsTakeEffectInTheirOrder) {
  const auto a = replica("a");
  std::vector<std::string> order;
  a->tasks->create(made("t1"), [&](const Result<Task>& task) {
    EXPECT_TRUE(task.ok());
    order.push_back("create");
  });
  a->tasks->change("t1", {.status_message = "changed"},
                   [&](const Result<Task>&) { order.push_back("change"); });
  const auto got = a->get("t1");
  ASSERT_TRUE(got.ok()) << got.error().text();
  EXPECT_EQ(got->status_message, "changed");
  EXPECT_EQ(order, (std::vector<std::string>{"create", "change"}));
}

TEST_F(DurableStoreTest, AnEndIsFinalAndForgetsHowToRepeatTheCall) {
  const auto a = replica("a");
  ASSERT_TRUE(a->create(made("t1")).ok());
  TaskChange asks;
  asks.status = TaskStatus::InputRequired;
  asks.inputs.emplace();
  asks.inputs->emplace("name", R"({"method":"elicitation/create"})");
  EXPECT_EQ(a->change("t1", asks)->inputs, *asks.inputs);
  EXPECT_EQ(a->get("t1")->inputs, *asks.inputs);
  EXPECT_TRUE(a->unfinished("t1").ok());
  TaskChange end;
  end.status = TaskStatus::Completed;
  end.result = "{\"x\":1}";
  ASSERT_TRUE(a->change("t1", end).ok());
  const auto ended = a->get("t1");
  EXPECT_EQ(ended->result, "{\"x\":1}");
  EXPECT_EQ(ended->request, "");
  EXPECT_TRUE(ended->inputs.empty());
  EXPECT_EQ(a->change("t1", {.status = TaskStatus::Cancelled}).error().name(), "task_ended");
  EXPECT_EQ(a->unfinished("t1").error().name(), "task_ended");
  EXPECT_EQ(a->unfinished("t2").error().name(), "unknown_task");
}

TEST_F(DurableStoreTest, AnAnswerGivenElsewhereReachesTheReplicaThatWorksOnTheTask) {
  const auto a = replica("a");
  const auto b = replica("b");
  ASSERT_TRUE(a->create(made("t1")).ok());
  TaskChange asks;
  asks.status = TaskStatus::InputRequired;
  asks.inputs = {{{"name", "{}"}, {"color", "{}"}}};
  ASSERT_TRUE(a->change("t1", asks).ok());
  a->tasks->follow("t1");
  TaskChange answer;
  answer.answers = {{"name", R"({"action":"accept"})"}, {"age", "{}"}};
  const auto given = b->change("t1", answer);
  ASSERT_TRUE(given.ok()) << given.error().text();
  EXPECT_EQ(given->status, TaskStatus::InputRequired);
  EXPECT_EQ(given->inputs.size(), 1U) << "what is answered is outstanding no more";
  EXPECT_EQ(given->answers.count("age"), 0U) << "nobody had asked for that";
  ASSERT_TRUE(a->runUntil([&] { return !a->seen.empty() && !a->seen.back().answers.empty(); }));
  EXPECT_EQ(a->seen.back().answers.at("name"), R"({"action":"accept"})");

  // While a takes that one, b is given the other: a's older view does not bring it back.
  answer.answers = {{"color", R"({"action":"decline"})"}};
  EXPECT_EQ(b->change("t1", answer)->status, TaskStatus::Working);
  TaskChange taken;
  taken.inputs = {{{"color", "{}"}}};
  taken.taken = {"name"};
  const auto now = a->change("t1", taken);
  EXPECT_TRUE(now->inputs.empty());
  EXPECT_EQ(now->answers.size(), 1U);
  ASSERT_TRUE(a->change("t1", {.status = TaskStatus::Completed}).ok());
  EXPECT_TRUE(a->get("t1")->answers.empty());
}

TEST_F(DurableStoreTest, ThereAreNoMoreThanTasksMaxUntilSomeExpire) {
  const auto a = replica("a", 3);
  for (const char* id : {"t1", "t2", "t3"}) ASSERT_TRUE(a->create(made(id)).ok());
  const auto refused = a->create(made("t4"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "tasks_max");
  EXPECT_NE(refused.error().message().find("3"), std::string::npos);
  clock_.pass(60s);
  EXPECT_TRUE(a->create(made("t4")).ok());
}

TEST_F(DurableStoreTest, ExpiredTasksGoAFewAtATime) {
  const auto a = replica("a");
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(a->create(made("t" + std::to_string(i))).ok());
  clock_.pass(60s);
  ASSERT_TRUE(a->create(made("n1")).ok());
  EXPECT_EQ(a->count(), 40 - 16 + 1);
  ASSERT_TRUE(a->create(made("n2")).ok());
  ASSERT_TRUE(a->create(made("n3")).ok());
  EXPECT_EQ(a->count(), 3);
}

TEST_F(DurableStoreTest, AListIsOfOneClientAndGoesOnWhereItEnded) {
  const auto a = replica("a");
  for (const char* id : {"t1", "t2", "t3"}) ASSERT_TRUE(a->create(made(id)).ok());
  Task other = made("x1");
  other.session = "other";
  ASSERT_TRUE(a->create(other).ok());
  const auto first = a->list({"me", "", "", 2});
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(first->back().id, "t2");
  const auto rest = a->list({"me", "", "t2", 2});
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->back().id, "t3");
  EXPECT_EQ(a->list({"me", "", "x1", 2}).error().name(), "invalid_cursor");
}

TEST_F(DurableStoreTest, WhoFollowsATaskSeesWhatAnotherReplicaDoesToIt) {
  const auto a = replica("a");
  const auto b = replica("b");
  ASSERT_TRUE(a->create(made("t1")).ok());
  ASSERT_TRUE(a->create(made("t2")).ok());
  b->tasks->follow("t1");
  ASSERT_TRUE(b->runUntil([&] { return b->seen.size() == 1; }));  // as it stands
  ASSERT_TRUE(a->change("t2", {.status_message = "not followed"}).ok());
  ASSERT_TRUE(a->change("t1", {.status_message = "half"}).ok());
  ASSERT_TRUE(b->runUntil([&] { return b->seen.size() == 2; }));
  EXPECT_EQ(b->seen.back().status_message, "half");
  ASSERT_TRUE(a->change("t1", {.status = TaskStatus::Cancelled}).ok());
  ASSERT_TRUE(b->runUntil([&] { return b->seen.back().status == TaskStatus::Cancelled; }));
  for (const Task& task : b->seen) EXPECT_EQ(task.id, "t1");
  b->tasks->unfollow("t1");
}

TEST_F(DurableStoreTest, ItsOwnChangesAreSeenOnceAndBeforeTheyAreDone) {
  const auto a = replica("a");
  ASSERT_TRUE(a->create(made("t1")).ok());
  a->tasks->follow("t1");
  std::size_t seen_at_end = 0;
  a->tasks->change("t1", {.status_message = "x"},
                   [&](const Result<Task>&) { seen_at_end = a->seen.size(); });
  ASSERT_TRUE(a->runUntil([&] { return seen_at_end > 0; }));
  EXPECT_EQ(a->seen.back().status_message, "x");
  ASSERT_TRUE(a->change("t1", {.status = TaskStatus::Cancelled}).ok());
  int ends = 0;
  for (const Task& task : a->seen) ends += task.status == TaskStatus::Cancelled ? 1 : 0;
  EXPECT_EQ(ends, 1);
  a->tasks->unfollow("t1");
}

TEST_F(DurableStoreTest, NothingIsMissedWhenTheNewestTasksHaveExpired) {
  const auto a = replica("a");
  const auto b = replica("b");
  Task brief = made("brief");
  Task lasting = made("lasting");
  lasting.ttl_ms = 600'000;
  ASSERT_TRUE(a->create(lasting).ok());
  ASSERT_TRUE(a->create(brief).ok());
  b->tasks->follow("lasting");
  ASSERT_TRUE(b->runUntil([&] { return b->seen.size() == 1; }));
  clock_.pass(60s);
  ASSERT_TRUE(a->create(made("new")).ok());  // room is made
  ASSERT_TRUE(a->change("lasting", {.status_message = "half"}).ok());
  ASSERT_TRUE(b->runUntil([&] { return b->seen.back().status_message == "half"; }));
  b->tasks->unfollow("lasting");
}

TEST_F(DurableStoreTest, UnfinishedTasksOfADeadReplicaAreInheritedOnce) {
  const auto a = replica("a");
  ASSERT_TRUE(a->create(made("open")).ok());
  ASSERT_TRUE(a->create(made("ended")).ok());
  ASSERT_TRUE(a->change("ended", {.status = TaskStatus::Cancelled}).ok());
  const auto b = replica("b");
  const auto c = replica("c");
  b->tasks->adoptAll();  // nobody is dead yet
  ASSERT_TRUE(b->get("open").ok());
  EXPECT_TRUE(b->inherited.empty());
  dead_.insert("a");
  b->tasks->adoptAll();
  ASSERT_TRUE(b->runUntil([&] { return !b->inherited.empty(); }));
  EXPECT_EQ(b->inherited.front().id, "open");
  EXPECT_EQ(b->inherited.front().request, made("").request);
  c->tasks->adopt("a");
  ASSERT_TRUE(c->change("open", {.status_message = "after it"}).ok());
  EXPECT_TRUE(c->inherited.empty());
  EXPECT_EQ(b->inherited.size(), 1U);
}

TEST_F(DurableStoreTest, ManyTasksAreInheritedInSteps) {
  const auto a = replica("a", 200);
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(a->create(made("t" + std::to_string(i))).ok());
  const auto b = replica("b");
  dead_.insert("a");
  b->tasks->adopt("a");
  ASSERT_TRUE(b->runUntil([&] { return b->inherited.size() == 150; }));
}

TEST_F(DurableStoreTest, AnEndThatCouldNotBeWrittenIsWrittenLater) {
  const auto a = replica("a");
  ASSERT_TRUE(a->create(made("t1")).ok());
  TaskChange end;
  end.status = TaskStatus::Completed;
  end.result = "{}";
  {
    const auto held = lock();
    const auto refused = a->change("t1", end);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().name(), "database_locked");
  }
  EXPECT_EQ(a->get("t1")->status, TaskStatus::Working);
  EXPECT_EQ(a->timers->ring(), 1);
  EXPECT_EQ(a->get("t1")->status, TaskStatus::Completed);
  EXPECT_FALSE(a->change("t1", end).ok());  // it has ended
  EXPECT_EQ(a->timers->ring(), 0);
}

TEST_F(DurableStoreTest, AnAdoptionThatCouldNotBeWrittenIsTriedAgain) {
  const auto a = replica("a");
  ASSERT_TRUE(a->create(made("t1")).ok());
  const auto b = replica("b");
  dead_.insert("a");
  {
    const auto held = lock();
    b->tasks->adopt("a");
    EXPECT_FALSE(b->change("t1", {.status_message = "in order after it"}).ok());
  }
  EXPECT_TRUE(b->inherited.empty());
  EXPECT_EQ(b->timers->ring(), 1);
  EXPECT_TRUE(b->runUntil([&] { return b->inherited.size() == 1; }));
}

}  // namespace
}  // namespace tutti::tasks
