// Who was asked about close calls: one judge for one question, whichever process asks it. Every
// function runs inside a transaction of the caller's; none does I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/store/connection.hpp"

namespace tutti::routing {

inline constexpr std::int64_t kJudgementsMax = 1'000;  ///< kept; the oldest go

/// A judge's run. It has the verdict, once it is over.
struct Judgement {
  std::string question;  ///< a digest of all that the judge was told
  std::string session_id;
  std::string run_id;
  std::int64_t asked_at_ms = 0;  ///< since the epoch
};

std::optional<Judgement> findJudgement(store::Connection& db, std::string_view question);
/// Takes the place of an earlier one on the same question, which goes on to count while it is at
/// work, and removes what is beyond kJudgementsMax.
void saveJudgement(store::Tx& tx, const Judgement& judgement);
/// Judges whose runs are not over.
std::int64_t openJudgements(store::Connection& db);

}  // namespace tutti::routing
