// The writer and the readers inside one process.
#include "server/store/store.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/store/support.hpp"

namespace tutti::store {
namespace {

/// Keeps the writer busy, with nothing in its queue, from here until letGo().
class HeldWriter {
 public:
  explicit HeldWriter(Store& store) {
    store.write(
        [this](Tx&) {
          entered_.set_value();
          gate_.get_future().wait();
          return ok();
        },
        [](Status) {});
    entered_.get_future().wait();
  }
  void letGo() { gate_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> gate_;
};

TEST(StoreTest, AWriteIsReadBackAfterTheStoreIsOpenedAnew) {
  TempFolder folder;
  ASSERT_TRUE(openStore(folder.path())->writeAndWait(insertWord("one")).ok());
  const auto store = openStore(folder.path());
  std::string word;
  ASSERT_TRUE(store
                  ->readAndWait([&](Tx& tx) {
                    Statement find(tx, "SELECT word FROM items");
                    if (find.step()) word = find.text(0);
                    return ok();
                  })
                  .ok());
  EXPECT_EQ(word, "one");
}

TEST(StoreTest, DoneRunsAfterAnotherConnectionSeesTheWrite) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  std::promise<std::int64_t> seen;
  store->write(insertWord("one"), [&](Status) { seen.set_value(countFrom(folder.path())); });
  EXPECT_EQ(seen.get_future().get(), 1);
}

TEST(StoreTest, AFailingItemRollsBackAloneAndKeepsItsOwnError) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  // Holds the writer, so that the next three share one transaction.
  store->write([open](Tx&) { return open.wait(), ok(); }, [](Status) {});
  std::vector<std::future<Status>> results;
  const auto submit = [&](Store::Work work) {
    auto promise = std::make_shared<std::promise<Status>>();
    results.push_back(promise->get_future());
    store->write(std::move(work), [promise](Status status) { promise->set_value(status); });
  };
  submit(insertWord("first"));
  submit([](Tx& tx) -> Status {
    Statement(tx, "INSERT INTO items(word) VALUES ('undone')").run();
    return Error(Code::Conflict, "no").named("own_name");
  });
  submit([](Tx& tx) -> Status {
    Statement(tx, "INSERT INTO items(word) VALUES ('thrown')").run();
    throw std::runtime_error("boom");
  });
  submit(insertWord("first"));  // breaks the UNIQUE constraint
  submit(insertWord("last"));
  gate.set_value();

  EXPECT_TRUE(results[0].get().ok());
  EXPECT_EQ(results[1].get().error().name(), "own_name");
  EXPECT_EQ(results[2].get().error().code(), Code::Internal);
  EXPECT_EQ(results[3].get().error().name(), "database_error");
  EXPECT_TRUE(results[4].get().ok());
  EXPECT_EQ(countFrom(folder.path()), 2);
}

TEST(StoreTest, WorkBesideAnItemThatFailsHalfwayIsAppliedOnceThoughItMayRunTwice) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  store->write([open](Tx&) { return open.wait(), ok(); }, [](Status) {});
  auto id = std::make_shared<std::int64_t>(0);
  store->write(
      [id](Tx& tx) -> Status {
        Statement(tx, "INSERT INTO items(word) VALUES ('kept')").run();
        *id = tx.lastInsertId();
        return ok();
      },
      [](Status status) { EXPECT_TRUE(status.ok()); });
  store->write(
      [](Tx& tx) -> Status {
        Statement(tx, "INSERT INTO items(word) VALUES ('undone')").run();
        return Error(Code::Conflict, "no");
      },
      [](Status status) { EXPECT_EQ(status.error().message(), "no"); });
  gate.set_value();
  ASSERT_TRUE(store->writeAndWait(insertWord("after")).ok());
  EXPECT_EQ(countFrom(folder.path()), 2);
  EXPECT_EQ(countFrom(folder.path(), "SELECT id FROM items WHERE word = 'kept'"), *id);
}

TEST(StoreTest, ManyThreadsWriteAndEveryItemIsAppliedOnceInFewerCommits) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  std::atomic<int> commits{0};
  const auto hook = store->onCommit([&] { ++commits; });
  constexpr int kThreads = 8;
  constexpr int kEach = 250;
  std::atomic<int> succeeded{0};
  std::mutex mutex;
  std::condition_variable all_done;
  int done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        store->write(insertWord(std::to_string(t) + "-" + std::to_string(i)), [&](Status status) {
          if (status.ok()) ++succeeded;
          const std::scoped_lock lock(mutex);
          if (++done == kThreads * kEach) all_done.notify_all();
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  {
    std::unique_lock lock(mutex);
    all_done.wait(lock, [&] { return done == kThreads * kEach; });
  }
  EXPECT_EQ(succeeded, kThreads * kEach);
  EXPECT_EQ(countFrom(folder.path()), kThreads * kEach);
  EXPECT_LT(commits, kThreads * kEach);
}

TEST(StoreTest, WorkOfOneCallerRunsInTheOrderItWasSubmitted) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  for (int i = 0; i < 500; ++i) store->write(insertWord(std::to_string(i)), [](Status) {});
  ASSERT_TRUE(store->writeAndWait(insertWord("last")).ok());
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM items WHERE word = id - 1 || ''"), 500);
}

TEST(StoreTest, AFullQueueRefusesAtOnceAndAcceptsAgainWhenThereIsRoom) {
  TempFolder folder;
  StoreOptions options;
  options.queue_max = 3;
  const auto store = openStore(folder.path(), options);
  HeldWriter writer(*store);
  std::promise<void> room;
  store->write(insertWord("0"), [&](Status) { room.set_value(); });
  store->write(insertWord("1"), [](Status) {});
  store->write(insertWord("2"), [](Status) {});
  std::optional<Status> refused;
  store->write(insertWord("too many"), [&](Status status) { refused = status; });
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->error().code(), Code::Unavailable);
  EXPECT_EQ(refused->error().name(), "store_queue_full");
  EXPECT_NE(refused->error().message().find("3 writes wait"), std::string::npos);
  writer.letGo();
  room.get_future().wait();
  EXPECT_TRUE(store->writeAndWait(insertWord("later")).ok());
  EXPECT_EQ(countFrom(folder.path()), 4);
}

TEST(StoreTest, DestructionDrainsWhatIsQueued) {
  TempFolder folder;
  std::atomic<int> done{0};
  {
    const auto store = openStore(folder.path());
    for (int i = 0; i < 100; ++i)
      store->write(insertWord(std::to_string(i)), [&](Status) { ++done; });
    for (int i = 0; i < 20; ++i) store->read([](Tx&) { return ok(); }, [&](Status) { ++done; });
  }
  EXPECT_EQ(done, 120);
  EXPECT_EQ(countFrom(folder.path()), 100);
}

TEST(StoreTest, ABatchNeverExceedsItsLimit) {
  TempFolder folder;
  StoreOptions options;
  options.batch_max = 4;
  const auto store = openStore(folder.path(), options);
  std::atomic<int> commits{0};
  const auto hook = store->onCommit([&] { ++commits; });
  HeldWriter writer(*store);
  for (int i = 0; i < 8; ++i) store->write(insertWord(std::to_string(i)), [](Status) {});
  writer.letGo();
  ASSERT_TRUE(store->writeAndWait(insertWord("last")).ok());
  EXPECT_EQ(commits, 3);  // 4 + 4 + 1
}

TEST(StoreTest, CallersThatWereAnsweredTogetherShareTheNextCommitToo) {
  TempFolder folder;
  StoreOptions options;
  options.company_wait_max_us = 20'000'000;  // never waited out: all who are waited for come
  const auto store = openStore(folder.path(), options);
  std::atomic<int> commits{0};
  const auto hook = store->onCommit([&] { ++commits; });
  std::promise<void> answered;
  HeldWriter writer(*store);
  for (int i = 0; i < 2; ++i) store->write(insertWord(std::to_string(i)), [](Status) {});
  store->write(insertWord("third"), [&](Status) { answered.set_value(); });
  writer.letGo();
  answered.get_future().wait();
  ASSERT_EQ(commits, 1);
  for (int i = 10; i < 12; ++i) store->write(insertWord(std::to_string(i)), [](Status) {});
  EXPECT_TRUE(store->writeAndWait(insertWord("last of three")).ok());
  EXPECT_EQ(commits, 2);
}

TEST(StoreTest, AReadSeesOneSnapshotWhileWritesGoOn) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  ASSERT_TRUE(store->writeAndWait(insertWord("one")).ok());
  std::int64_t before = -1;
  std::int64_t after = -1;
  ASSERT_TRUE(store
                  ->readAndWait([&](Tx& tx) {
                    before = countIn(tx, "SELECT count(*) FROM items");
                    EXPECT_TRUE(store->writeAndWait(insertWord("two")).ok());
                    after = countIn(tx, "SELECT count(*) FROM items");
                    return ok();
                  })
                  .ok());
  EXPECT_EQ(before, 1);
  EXPECT_EQ(after, 1);
  EXPECT_EQ(countFrom(folder.path()), 2);
}

TEST(StoreTest, TwoReadsRunAtTheSameTime) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  std::promise<void> met;
  std::shared_future<void> meeting = met.get_future().share();
  std::promise<void> first_done;
  store->read([meeting](Tx&) { return meeting.wait(), ok(); },
              [&](Status) { first_done.set_value(); });
  ASSERT_TRUE(store->readAndWait([&](Tx&) { return met.set_value(), ok(); }).ok());
  first_done.get_future().wait();
}

TEST(StoreTest, AReaderCannotWrite) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  const Status status = store->readAndWait(insertWord("sneaky"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().name(), "database_error");
  EXPECT_EQ(countFrom(folder.path()), 0);
  EXPECT_TRUE(store->readAndWait([](Tx&) { return ok(); }).ok());
}

TEST(StoreTest, WorkThatEndsTheTransactionItselfIsAnErrorAndTheNextGoesOn) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  const Status ended = store->writeAndWait([](Tx& tx) {
    tx.execute("ROLLBACK");
    return ok();
  });
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().code(), Code::Internal);
  EXPECT_TRUE(store->writeAndWait(insertWord("next")).ok());
}

TEST(StoreTest, ACompletionThatThrowsDoesNotStopTheWriter) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  store->write(insertWord("one"), [](Status) { throw std::runtime_error("boom"); });
  EXPECT_TRUE(store->writeAndWait(insertWord("two")).ok());
}

TEST(StoreTest, CommitsThatChangeNothingAreNotAnnounced) {
  TempFolder folder;
  const auto store = openStore(folder.path());
  int commits = 0;
  auto hook = store->onCommit([&] { ++commits; });
  ASSERT_TRUE(store->writeAndWait([](Tx&) { return ok(); }).ok());
  ASSERT_TRUE(store->writeAndWait(insertWord("one")).ok());
  hook.reset();
  ASSERT_TRUE(store->writeAndWait(insertWord("two")).ok());
  EXPECT_EQ(commits, 1);
}

}  // namespace
}  // namespace tutti::store
