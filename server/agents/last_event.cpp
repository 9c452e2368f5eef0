#include "server/agents/sessions.hpp"
#include "server/store/statement.hpp"

namespace tutti::agents {

std::optional<Event> lastEvent(store::Connection& db, std::string_view session_id,
                               std::string_view type) {
  store::Statement newest(db,
                          "SELECT id, session_id, run_id, event_type, timestamp, data FROM events "
                          "WHERE session_id = ?1 AND (?2 = '' OR event_type = ?2) "
                          "ORDER BY id DESC LIMIT 1",
                          session_id, type);
  if (!newest.step()) return std::nullopt;
  Event event;
  event.id = newest.integer(0);
  event.session_id = newest.text(1);
  event.run_id = newest.text(2);
  event.event_type = newest.text(3);
  event.timestamp = newest.text(4);
  event.data = newest.text(5);
  return event;
}

}  // namespace tutti::agents
