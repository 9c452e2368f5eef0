// Waits end when what they look for is there, whoever tells that something is new.
#include "server/runner/waiter.hpp"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "server/store/statement.hpp"
#include "tests/store/support.hpp"

namespace tutti::runner {
namespace {
using namespace std::chrono_literals;

const std::vector<store::Migration>& bellTable() {
  static const std::vector<store::Migration> migrations = {
      {1, "bells",
       "CREATE TABLE events(id INTEGER PRIMARY KEY, session_id TEXT);"
       "CREATE TABLE bells(rung INTEGER NOT NULL)"}};
  return migrations;
}

TEST(Waiter, LooksAgainAfterACommitWithoutEventsIfAsked) {
  store::TempFolder folder;
  boost::asio::io_context io;
  const auto store = store::openStore(folder.path(), {}, bellTable());
  store::FolderWatch folders(io);
  store::Notifier notifier(io, *store, folders);
  ASSERT_TRUE(notifier.start().ok());
  Waiter waiter(io, *store, notifier);

  bool first = true;
  std::optional<Result<bool>> ended;
  WaitRequest wait;
  wait.commits = true;
  wait.limit = 20s;
  wait.look = [](store::Connection& db) -> Result<bool> {
    store::Statement rung(db, "SELECT 1 FROM bells");
    return rung.step();
  };
  wait.before_waiting = [&] {
    first = false;
    return std::chrono::milliseconds(20s);
  };
  wait.done = [&](Result<bool> found) { ended = std::move(found); };
  waiter.begin(std::move(wait));
  while (first) io.run_one();
  ASSERT_TRUE(store
                  ->writeAndWait([](store::Tx& tx) {
                    store::Statement(tx, "INSERT INTO bells(rung) VALUES (1)").run();
                    return ok();
                  })
                  .ok());
  while (!ended) io.run_one();
  ASSERT_TRUE(ended->ok()) << ended->error().text();
  EXPECT_TRUE(ended->value()) << "the limit ran out";
}

}  // namespace
}  // namespace tutti::runner
