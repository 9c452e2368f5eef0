// Inner to server/store: what a Connection is made of. The only header that includes sqlite3.h.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/store/connection.hpp"

namespace tutti::store {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

struct Connection::Impl {
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  using Statements = std::vector<sqlite3_stmt*>;
  struct Taken {
    sqlite3_stmt* statement;
    Statements* home;  ///< where those of the same text are kept; stays valid
  };
  /// A prepared statement for `sql` that nobody else uses. Throws DatabaseError.
  Taken take(std::string_view sql);
  /// Resets the statement and keeps it for the next user of the same text.
  void giveBack(const Taken& taken);
  [[noreturn]] void fail(int code) const;

  /// SQLite's own waiting steps reach 100 ms; the lock here is held for a millisecond or so.
  static int onBusy(void* self, int count);
  static int onCommit(void* self, sqlite3* db, const char* name, int pages);

  sqlite3* db = nullptr;
  int log_pages = 0;           ///< after the last commit
  bool has_full_text = false;  ///< useFullText() was called
  std::chrono::milliseconds busy_max{0};
  std::chrono::steady_clock::time_point busy_until;
  std::unordered_map<std::string, Statements, StringHash, std::equal_to<>> unused;
  std::size_t unused_count = 0;
};

}  // namespace tutti::store
