// What was asked of the servers and what they promised: the truth that the store is held against.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::crash {

using Random = std::mt19937_64;

/// A whole number in [0, bound).
std::int64_t below(Random& random, std::int64_t bound);

/// One start or resume. Its tag is its idempotency key and stands in what the agent says.
struct Order {
  std::string tag;
  std::string tool;  ///< start_agent or resume
  std::string kind;  ///< steps, failing, leaving, talk
  Json arguments;
  int lines = 0;      ///< that a program prints
  bool sent = false;  ///< under way with some server
  bool acknowledged = false;
  bool refused = false;
  std::string session_id;
  std::string run_id;
  std::string reported;  ///< the final status that a get_result told, once one did
};

/// Thread-safe.
class Ledger {
 public:
  explicit Ledger(std::string starts) : starts_(std::move(starts)) {}

  /// The next start, resume or repeated call of something never answered; nothing when enough is
  /// under way.
  std::optional<Order> next(Random& random);
  void answered(const std::string& tag, const Json& body);
  void refused(const std::string& tag, const Json& error);
  /// The server died with the call under way.
  void lost(const std::string& tag);

  /// A session to be stopped; noted as such.
  std::optional<std::string> toStop(Random& random);
  /// An acknowledged run whose end nobody has seen.
  std::optional<std::string> toAwait(Random& random);
  /// What a get_result said.
  void told(const Json& result);

  void problem(const std::string& text);
  std::vector<std::string> problems() const;
  std::map<std::string, Order> orders() const;
  bool stopAsked(const std::string& session_id) const;

 private:
  Order newStart(Random& random);
  std::optional<Order> newResume(Random& random);
  std::int64_t underWay() const;
  void note(const std::string& text);  // the caller holds the lock

  const std::string starts_;
  mutable std::mutex mutex_;
  std::map<std::string, Order> orders_;  // by tag
  std::map<std::string, std::string> tag_of_run_;
  std::map<std::string, bool> stop_asked_;  // by session
  std::vector<std::string> talks_;          // sessions that can be resumed
  std::vector<std::string> problems_;
};

}  // namespace tutti::crash
