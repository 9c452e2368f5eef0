// Answers an agent's permission requests: by the blueprint's rules, by a person in time, or no.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/runner/drivers/claude_records.hpp"
#include "server/runner/drivers/driver.hpp"

namespace tutti::runner {

/// Every request gets exactly one answer, and each answer an event that says who gave it and why.
class PermissionDesk {
 public:
  struct Answer {
    bool allow = false;
    std::string message;
  };
  using Reply = std::function<void(const ClaudeRequest& request, const Answer& answer)>;

  PermissionDesk(DriverHost& host, Reply reply);

  /// `attended`: a run is on, so that somebody may answer.
  void ask(ClaudeRequest request, bool attended);
  /// Errors: NotFound "request_not_found".
  Status approve(const Approval& approval);
  /// The agent no longer waits for this one.
  void withdraw(const std::string& request_id);
  void clear() { open_.clear(); }

 private:
  struct Open {
    ClaudeRequest request;
    std::unique_ptr<Loop::Timer> timer;
  };
  void decide(const ClaudeRequest& request, const Answer& answer, std::string_view by,
              const std::string& reason);
  void expire(const std::string& request_id);

  DriverHost& host_;
  const Reply reply_;
  std::map<std::string, Open> open_;
};

}  // namespace tutti::runner
