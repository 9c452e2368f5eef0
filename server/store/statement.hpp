// One SQL statement, bound, stepped and read with the types we use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace tutti::store {

class Connection;

/// A broken statement, a corrupt file, a full disk: what no caller can repair in place. The writer
/// and the readers catch it and turn it into an Error; nothing else does.
class DatabaseError;

/// A parameter whose bytes are no text.
struct Blob {
  std::string_view bytes;
};

/// A prepared statement with its parameters bound, taken from the connection's cache and given back
/// on destruction. Text parameters are copied. Used on the connection's thread only. To run a
/// statement that returns nothing, execute() below is shorter and copies nothing.
///
///   Statement find(tx, "SELECT name FROM sessions WHERE session_id = ?", id);
///   if (find.step()) name = find.text(0);
class Statement {
 public:
  enum class Texts { Copied, Borrowed };

  template <class... Parameters>
  Statement(Connection& connection, std::string_view sql, const Parameters&... parameters)
      : Statement(connection, sql) {
    int index = 0;
    (bind(++index, parameters), ...);
  }
  Statement(Connection& connection, std::string_view sql, Texts texts = Texts::Copied);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Binds one parameter, counted from 1: for statements whose text is put together.
  void set(int index, std::string_view value) { bind(index, value); }
  void set(int index, std::int64_t value) { bind(index, value); }

  /// True while there is a row. Throws DatabaseError.
  bool step();
  /// Steps to the end of a statement that returns nothing; the number of rows it changed.
  std::int64_t run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;  ///< "" for NULL
  std::string blob(int column) const;  ///< "" for NULL
  bool isNull(int column) const;
  std::optional<std::string> optionalText(int column) const;
  std::optional<std::int64_t> optionalInteger(int column) const;

 private:
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, Blob value);
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

  template <class... Parameters>
  friend std::int64_t execute(Connection&, std::string_view, const Parameters&...);

  Connection& connection_;
  sqlite3_stmt* statement_;
  std::vector<sqlite3_stmt*>* home_;  ///< of the connection's cache
  Texts texts_;
};

/// Runs a statement that returns nothing; the number of rows it changed. Throws DatabaseError.
template <class... Parameters>
std::int64_t execute(Connection& connection, std::string_view sql,
                     const Parameters&... parameters) {
  Statement statement(connection, sql, Statement::Texts::Borrowed);
  int index = 0;
  (statement.bind(++index, parameters), ...);
  return statement.run();
}

}  // namespace tutti::store
