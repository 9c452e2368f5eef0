// Answers remembered by the caller's key, so that a call that is repeated is not done again.
#include <cstdio>

#include "server/agents/sessions.hpp"
#include "server/store/statement.hpp"

namespace tutti::agents {
using store::Statement;

namespace {
constexpr std::int64_t kIdempotencyKeysMax = 100'000;
}  // namespace

BodyDigest::BodyDigest(std::string_view body) : size_(body.size()) {
  for (const char byte : body) {
    hash_ ^= static_cast<unsigned char>(byte);
    hash_ *= 1099511628211ULL;
  }
}

std::string BodyDigest::text() const {
  char text[48];
  std::snprintf(text, sizeof text, "%zu-%016llx", size_, static_cast<unsigned long long>(hash_));
  return text;
}

Result<std::optional<std::string>> findIdempotent(store::Connection& db, std::string_view tool,
                                                  std::string_view key, const BodyDigest& body) {
  Statement found(db, "SELECT body_digest, answer FROM idempotency WHERE tool = ? AND key = ?",
                  tool, key);
  if (!found.step()) return std::optional<std::string>();
  if (found.text(0) == body.text()) return std::optional<std::string>(found.text(1));
  return Error(Code::Conflict,
               "idempotency_key '" + std::string(key) +
                   "' was used before with other arguments of " + std::string(tool),
               "use a new key for a new call")
      .named("idempotency_key_reused");
}

void saveIdempotent(store::Tx& tx, std::string_view tool, std::string_view key,
                    const BodyDigest& body, std::string_view answer, const std::string& now) {
  Statement(tx,
            "INSERT INTO idempotency(tool, key, body_digest, answer, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            tool, key, body.text(), answer, now)
      .run();
  Statement(tx, "DELETE FROM idempotency WHERE id <= ?", tx.lastInsertId() - kIdempotencyKeysMax)
      .run();
}

}  // namespace tutti::agents
