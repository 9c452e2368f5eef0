// Several processes over one store, and processes that die.
#include <csignal>
#include <random>
#include <set>

#include "tests/store/support.hpp"

namespace tutti::store {
namespace {

Store::Work insertNumber(int number, const std::string& by) {
  return [number, by](Tx& tx) {
    Statement(tx, "INSERT INTO items(word, by) VALUES (?, ?)", by + std::to_string(number), by)
        .run();
    return ok();
  };
}

TEST(ProcessTest, ProcessesThatWriteAtOnceAllSucceed) {
  TempFolder folder;
  ASSERT_NE(openStore(folder.path()), nullptr);
  constexpr int kEach = 200;
  std::vector<pid_t> children;
  for (const std::string by : {"a", "b", "c"}) {
    children.push_back(forkChild([&folder, by] {
      const auto store = openStore(folder.path());
      for (int i = 0; i < kEach; ++i)
        if (!store->writeAndWait(insertNumber(i, by)).ok()) return 1;
      return 0;
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(exitStatusOf(child), 0);
  EXPECT_EQ(countFrom(folder.path()), 3 * kEach);
}

TEST(ProcessTest, AnItemIsDurableWhenItsProcessDiesBetweenCommitAndDone) {
  TempFolder folder;
  const pid_t child = forkChild([&] {
    const auto store = openStore(folder.path());
    store->write(insertWord("committed"), [](Status) { ::kill(::getpid(), SIGKILL); });
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(exitStatusOf(child), 1000 + SIGKILL);
  const auto store = openStore(folder.path());
  EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM items WHERE word = 'committed'"), 1);
  EXPECT_TRUE(store->writeAndWait(insertWord("next")).ok());
}

TEST(ProcessTest, AnItemIsAbsentWhenItsProcessDiesInItsMiddle) {
  TempFolder folder;
  const pid_t child = forkChild([&] {
    const auto store = openStore(folder.path());
    store->write(
        [](Tx& tx) {
          Statement(tx, "INSERT INTO items(word) VALUES ('half')").run();
          ::kill(::getpid(), SIGKILL);
          return ok();
        },
        [](Status) {});
    for (;;) ::pause();
    return 0;
  });
  EXPECT_EQ(exitStatusOf(child), 1000 + SIGKILL);
  EXPECT_EQ(countFrom(folder.path()), 0);
}

TEST(ProcessTest, WhateverWasAcknowledgedIsThereOnceAfterAKillAtAnyMoment) {
  TempFolder folder;
  std::mt19937 random(20261120);
  int known = 0;
  for (int round = 0; round < 12; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = forkChild([&] {
      const auto store = openStore(folder.path());
      for (int i = 0;; ++i) {
        const std::string by = std::to_string(round) + "-";
        store->write(insertNumber(i, by), [&acknowledged, i](Status status) {
          if (status.ok() && ::write(acknowledged[1], &i, sizeof i) < 0) ::_exit(1);
        });
        if (i % 16 == 15) (void)store->writeAndWait([](Tx&) { return ok(); });
      }
      return 0;
    });
    ::close(acknowledged[1]);
    const int until = std::uniform_int_distribution<int>(1, 400)(random);
    std::set<int> seen;
    int number = 0;
    bool killed = false;
    while (::read(acknowledged[0], &number, sizeof number) == sizeof number) {
      EXPECT_TRUE(seen.insert(number).second) << "acknowledged twice";
      if (!killed && static_cast<int>(seen.size()) >= until) {
        ::kill(child, SIGKILL);
        killed = true;
      }
    }
    ::close(acknowledged[0]);
    EXPECT_EQ(exitStatusOf(child), 1000 + SIGKILL);
    const std::string mine =
        "SELECT count(*) FROM items WHERE by = '" + std::to_string(round) + "-'";
    const auto store = openStore(folder.path());
    EXPECT_GE(countFrom(folder.path(), mine), static_cast<int>(seen.size()));
    for (const int i : seen)
      EXPECT_EQ(countFrom(folder.path(), "SELECT count(*) FROM items WHERE word = '" +
                                             std::to_string(round) + "-" + std::to_string(i) + "'"),
                1);
    known += static_cast<int>(seen.size());
  }
  EXPECT_GE(countFrom(folder.path()), known);
  Connection db((folder.path() / "tutti.db").string(), Access::ReadOnly);
  Statement check(db, "PRAGMA integrity_check");
  ASSERT_TRUE(check.step());
  EXPECT_EQ(check.text(0), "ok");
}

TEST(ProcessTest, AWriteThatAnotherProcessBlocksTooLongIsNamedAndTheNextSucceeds) {
  TempFolder folder;
  StoreOptions options;
  options.busy_timeout_ms = 50;
  const auto store = openStore(folder.path(), options);
  {
    Connection other((folder.path() / "tutti.db").string(), Access::ReadWrite);
    other.execute("BEGIN IMMEDIATE");
    const Status blocked = store->writeAndWait(insertWord("one"));
    ASSERT_FALSE(blocked.ok());
    EXPECT_EQ(blocked.error().code(), Code::Unavailable);
    EXPECT_EQ(blocked.error().name(), "database_locked");
    EXPECT_TRUE(store->readAndWait([](Tx&) { return ok(); }).ok());
  }
  EXPECT_TRUE(store->writeAndWait(insertWord("one")).ok());
}

}  // namespace
}  // namespace tutti::store
