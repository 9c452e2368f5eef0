// One SQL statement, bound, stepped and read with the types we use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

struct sqlite3;
struct sqlite3_stmt;

namespace tutti::store {

class Connection;

/// A broken statement, a corrupt file, a full disk: what no caller can repair in place. The writer
/// and the readers catch it and turn it into an Error; nothing else does.
class DatabaseError;

/// A prepared statement with its parameters bound, taken from the connection's cache and given back
/// on destruction. Text parameters are copied. Used on the connection's thread only.
///
///   Statement find(tx, "SELECT name FROM sessions WHERE session_id = ?", id);
///   if (find.step()) name = find.text(0);
class Statement {
 public:
  template <class... Parameters>
  Statement(Connection& connection, std::string_view sql, const Parameters&... parameters)
      : Statement(connection, sql) {
    int index = 0;
    (bind(++index, parameters), ...);
  }
  Statement(Connection& connection, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// True while there is a row. Throws DatabaseError.
  bool step();
  /// Steps to the end of a statement that returns nothing; the number of rows it changed.
  std::int64_t run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  ///< "" for NULL
  bool isNull(int column) const;
  std::optional<std::string> optionalText(int column) const;
  std::optional<std::int64_t> optionalInteger(int column) const;

 private:
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, std::int64_t value);
  void bind(int index, double value);
  void bind(int index, std::nullptr_t);
  void bind(int index, int value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, bool value) { bind(index, static_cast<std::int64_t>(value)); }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) {
      bind(index, *value);
    } else {
      bind(index, nullptr);
    }
  }

  void check(int code) const;

  Connection& connection_;
  sqlite3_stmt* statement_;
};

}  // namespace tutti::store
