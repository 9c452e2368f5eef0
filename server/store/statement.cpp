#include "server/store/statement.hpp"

#include "server/store/connection_impl.hpp"

namespace tutti::store {

Statement::Statement(Connection& connection, std::string_view sql, Texts texts)
    : connection_(connection), texts_(texts) {
  const Connection::Impl::Taken taken = connection.impl_->take(sql);
  statement_ = taken.statement;
  home_ = taken.home;
}

Statement::~Statement() {
  connection_.impl_->giveBack({statement_, home_});
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  connection_.impl_->fail(code);
}

std::int64_t Statement::run() {
  while (step()) {
  }
  return connection_.changes();
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  return std::string(static_cast<const char*>(bytes),
                     static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::string Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  if (bytes == nullptr) return {};
  return std::string(static_cast<const char*>(bytes),
                     static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Statement::isNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<std::string> Statement::optionalText(int column) const {
  if (isNull(column)) return std::nullopt;
  return text(column);
}

std::optional<std::int64_t> Statement::optionalInteger(int column) const {
  if (isNull(column)) return std::nullopt;
  return integer(column);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) connection_.impl_->fail(code);
}

void Statement::bind(int index, std::string_view value) {
  // A null pointer would bind NULL; an empty text is a text.
  const char* bytes = value.data() == nullptr ? "" : value.data();
  const sqlite3_destructor_type lifetime =
      texts_ == Texts::Copied ? SQLITE_TRANSIENT : SQLITE_STATIC;
  check(sqlite3_bind_text64(statement_, index, bytes, value.size(), lifetime, SQLITE_UTF8));
}

void Statement::bind(int index, Blob value) {
  const char* bytes = value.bytes.data() == nullptr ? "" : value.bytes.data();
  const sqlite3_destructor_type lifetime =
      texts_ == Texts::Copied ? SQLITE_TRANSIENT : SQLITE_STATIC;
  check(sqlite3_bind_blob64(statement_, index, bytes, value.bytes.size(), lifetime));
}

void Statement::bind(int index, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, index, value));
}

void Statement::bind(int index, double value) {
  check(sqlite3_bind_double(statement_, index, value));
}

void Statement::bind(int index, std::nullptr_t) {
  check(sqlite3_bind_null(statement_, index));
}

}  // namespace tutti::store
