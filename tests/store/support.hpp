// What the tests of the store share.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/store/store.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::store {

using fixture::TempFolder;

inline const std::vector<Migration>& itemTable() {
  static const std::vector<Migration> migrations = {
      {1, "items",
       "CREATE TABLE items(id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL UNIQUE,"
       " by TEXT NOT NULL DEFAULT '')"}};
  return migrations;
}

inline std::unique_ptr<Store> openStore(const std::filesystem::path& folder,
                                        StoreOptions options = {},
                                        const std::vector<Migration>& migrations = itemTable()) {
  auto store = Store::open(folder, migrations, options);
  EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().text());
  return store.ok() ? std::move(*store) : nullptr;
}

inline Store::Work insertWord(const std::string& word) {
  return [word](Tx& tx) {
    Statement(tx, "INSERT INTO items(word) VALUES (?)", word).run();
    return ok();
  };
}

inline std::int64_t countIn(Connection& db, const std::string& sql) {
  Statement count(db, sql);
  return count.step() ? count.integer(0) : -1;
}

/// Counts with a connection of its own, as another program would.
inline std::int64_t countFrom(const std::filesystem::path& folder,
                              const std::string& sql = "SELECT count(*) FROM items") {
  Connection db((folder / "tutti.db").string(), Access::ReadOnly);
  return countIn(db, sql);
}

/// Runs `body` in a child process. Call while this process has one thread. The child's exit status
/// is what `body` returns; it never runs destructors of the parent's objects.
inline pid_t forkChild(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  int status = 99;
  try {
    status = body();
  } catch (...) {
    status = 98;
  }
  ::_exit(status);
}

inline int exitStatusOf(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace tutti::store
