#include "server/routing/judgements.hpp"

#include "server/store/statement.hpp"

namespace tutti::routing {
using store::Statement;

std::optional<Judgement> findJudgement(store::Connection& db, std::string_view question) {
  Statement found(db,
                  "SELECT session_id, run_id, asked_at_ms FROM route_judgements"
                  " WHERE question = ?",
                  question);
  if (!found.step()) return std::nullopt;
  return Judgement{std::string(question), found.text(0), found.text(1), found.integer(2)};
}

void saveJudgement(store::Tx& tx, const Judgement& judgement) {
  // Under a name that no question has: it may be at work until it has been stopped.
  Statement(tx, "UPDATE route_judgements SET question = run_id WHERE question = ?",
            judgement.question)
      .run();
  Statement(tx,
            "INSERT INTO route_judgements(question, session_id, run_id, asked_at_ms)"
            " VALUES (?, ?, ?, ?)",
            judgement.question, judgement.session_id, judgement.run_id, judgement.asked_at_ms)
      .run();
  Statement(tx, "DELETE FROM route_judgements WHERE judgement_seq <= ?",
            tx.lastInsertId() - kJudgementsMax)
      .run();
}

std::int64_t openJudgements(store::Connection& db) {
  Statement open(db,
                 "SELECT COUNT(*) FROM route_judgements AS j JOIN runs AS r ON r.run_id = j.run_id"
                 " WHERE r.status <> 'completed' AND r.status <> 'failed' AND"
                 " r.status <> 'stopped'");
  return open.step() ? open.integer(0) : 0;
}

}  // namespace tutti::routing
