#include <algorithm>

#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"
#include "server/base/ids.hpp"

namespace tutti::agents {
using store::Statement;

namespace {
constexpr std::int64_t kSessionsPageMax = 1000;
constexpr char kCursorSeparator = '~';

std::string selectSessions(std::string_view rest) {
  return "SELECT " + std::string(kSessionColumns) + " FROM sessions " + std::string(rest);
}
std::string selectRuns(std::string_view rest) {
  return "SELECT " + std::string(kRunColumns) + " FROM runs " + std::string(rest);
}

/// The last session of a page: the next one begins below it.
struct Cursor {
  std::string created_at;
  std::string session_id;
};

std::string cursorText(const Session& last) {
  return last.created_at + kCursorSeparator + last.session_id;
}

Result<Cursor> parseCursor(const std::string& text) {
  const std::size_t end = text.find(kCursorSeparator);
  const auto ofTimestamp = [](char c) {
    return (c >= '0' && c <= '9') || std::string_view("-:.+TZ").find(c) != std::string_view::npos;
  };
  if (end == std::string::npos || end == 0 || end > 40 ||
      !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), ofTimestamp) ||
      !isSafeId(std::string_view(text).substr(end + 1)))
    return Error(Code::InvalidArgument, "the cursor is not one that list_sessions has returned",
                 "begin again without a cursor")
        .named("invalid_cursor");
  return Cursor{text.substr(0, end), text.substr(end + 1)};
}

/// One text per combination of filters, each with the same parameters, so that every combination is
/// prepared once and finds its index.
std::string listSql(const SessionFilter& filter) {
  static const std::string columns = [] {
    std::string all(kSessionColumns);
    return all.replace(all.rfind("blueprint"), std::string::npos, "'' AS blueprint");
  }();
  std::string sql = "SELECT " + columns + " FROM sessions WHERE 1 = 1";
  if (filter.status) sql += " AND status = ?1";
  if (!filter.agent_name.empty()) sql += " AND agent_name = ?2";
  if (!filter.parent_session_id.empty()) sql += " AND parent_session_id = ?3";
  if (!filter.project_dir.empty()) sql += " AND project_dir = ?4";
  if (!filter.before.empty()) sql += " AND (created_at, session_id) < (?5, ?6)";
  return sql + " ORDER BY created_at DESC, session_id DESC LIMIT ?7";
}
}  // namespace

Result<Session> findSession(store::Connection& db, std::string_view id_or_name) {
  static const std::string by_id = selectSessions("WHERE session_id = ?");
  Statement found(db, by_id, id_or_name);
  if (found.step()) return sessionFrom(found);
  static const std::string by_name = selectSessions("WHERE name = ? AND name <> ''");
  Statement named(db, by_name, id_or_name);
  if (named.step()) return sessionFrom(named);
  return Error(Code::NotFound, "session '" + std::string(id_or_name) + "' not found",
               "see list_sessions for those there are")
      .named("session_not_found");
}

Result<Run> findRun(store::Connection& db, std::string_view run_id) {
  static const std::string sql = selectRuns("WHERE run_id = ?");
  Statement found(db, sql, run_id);
  if (found.step()) return runFrom(found);
  return Error(Code::NotFound, "run '" + std::string(run_id) + "' not found")
      .named("run_not_found");
}

Result<Run> latestRun(store::Connection& db, std::string_view session_id) {
  static const std::string sql = selectRuns("WHERE session_id = ? ORDER BY run_seq DESC LIMIT 1");
  Statement found(db, sql, session_id);
  if (found.step()) return runFrom(found);
  return Error(Code::NotFound, "session '" + std::string(session_id) + "' has no run",
               "see list_sessions for the sessions there are")
      .named("run_not_found");
}

Result<SessionPage> listSessions(store::Connection& db, const SessionFilter& filter) {
  Cursor before;
  if (!filter.before.empty()) {
    Result<Cursor> parsed = parseCursor(filter.before);
    if (!parsed.ok()) return parsed.error();
    before = std::move(*parsed);
  }
  const std::int64_t count = std::clamp<std::int64_t>(filter.count_max, 1, kSessionsPageMax);
  const std::string_view status = filter.status ? toString(*filter.status) : "";
  Statement rows(db, listSql(filter), status, filter.agent_name, filter.parent_session_id,
                 filter.project_dir, before.created_at, before.session_id, count + 1);
  SessionPage page;
  while (rows.step()) {
    if (static_cast<std::int64_t>(page.sessions.size()) == count) {
      page.next = cursorText(page.sessions.back());
      break;
    }
    page.sessions.push_back(sessionFrom(rows));
  }
  return page;
}

namespace {
constexpr std::string_view kSelectEvent =
    "SELECT id, session_id, run_id, event_type, timestamp, data FROM events ";

Event eventFrom(const Statement& row) {
  Event event;
  event.id = row.integer(0);
  event.session_id = row.text(1);
  event.run_id = row.text(2);
  event.event_type = row.text(3);
  event.timestamp = row.text(4);
  event.data = row.text(5);
  return event;
}
}  // namespace

std::vector<Event> readEvents(store::Connection& db, std::string_view session_id,
                              std::int64_t after, std::int64_t count_max) {
  Statement rows(db,
                 std::string(kSelectEvent) + "WHERE session_id = ? AND id > ? ORDER BY id LIMIT ?",
                 session_id, after, std::max<std::int64_t>(count_max, 0));
  std::vector<Event> events;
  while (rows.step()) events.push_back(eventFrom(rows));
  return events;
}

std::optional<Event> lastEvent(store::Connection& db, std::string_view session_id,
                               std::string_view type) {
  Statement newest(db,
                   std::string(kSelectEvent) +
                       "WHERE session_id = ?1 AND (?2 = '' OR event_type = ?2)"
                       " ORDER BY id DESC LIMIT 1",
                   session_id, type);
  if (!newest.step()) return std::nullopt;
  return eventFrom(newest);
}

}  // namespace tutti::agents
