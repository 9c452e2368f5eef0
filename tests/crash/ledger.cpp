#include "tests/crash/ledger.hpp"

#include <algorithm>

namespace tutti::crash {
namespace {

constexpr std::int64_t kUnderWayMax = 10;  ///< runs that nobody has seen end
constexpr std::size_t kTalksMax = 10;      ///< each is a live process that idles
constexpr std::size_t kProblemsMax = 50;

}  // namespace

std::int64_t below(Random& random, std::int64_t bound) {
  return std::uniform_int_distribution<std::int64_t>(0, bound - 1)(random);
}

std::int64_t Ledger::underWay() const {
  return std::count_if(orders_.begin(), orders_.end(), [](const auto& entry) {
    return entry.second.reported.empty() && !entry.second.refused;
  });
}

Order Ledger::newStart(Random& random) {
  Order order;
  order.tag = "t" + std::to_string(orders_.size() + 1);
  order.tool = "start_agent";
  const std::int64_t dice = below(random, 10);
  if (dice < 4 && talks_.size() < kTalksMax) {
    order.kind = "talk";
    const std::string pause = "\nsleep:" + std::to_string(below(random, 300));
    order.arguments["blueprint"] = below(random, 4) == 0 ? "brief" : "talk";
    order.arguments["prompt"] =
        "say:first" + (dice < 2 ? pause : std::string()) + "\nsay:" + order.tag;
  } else {
    order.kind = dice == 4 ? "failing" : dice == 5 ? "leaving" : "steps";
    order.lines = static_cast<int>(below(random, 40));
    Json& parameters = order.arguments["parameters"];
    parameters = Json::object({{"tag", order.tag},
                               {"starts", starts_},
                               {"lines", order.lines},
                               {"pause_ms", below(random, 4) == 0 ? 30 : below(random, 5)},
                               {"fail", order.kind == "failing"},
                               {"leave", order.kind == "leaving"}});
    order.arguments["blueprint"] = "steps";
  }
  order.arguments["idempotency_key"] = order.tag;
  return order;
}

std::optional<Order> Ledger::newResume(Random& random) {
  if (talks_.empty()) return std::nullopt;
  Order order;
  order.tag = "t" + std::to_string(orders_.size() + 1);
  order.tool = "resume";
  order.kind = "talk";
  order.session_id = talks_[static_cast<std::size_t>(below(random, std::ssize(talks_)))];
  order.arguments = Json::object(
      {{"session_id", order.session_id},
       {"prompt", "sleep:" + std::to_string(below(random, 100)) + "\nsay:" + order.tag},
       {"idempotency_key", order.tag}});
  return order;
}

std::optional<Order> Ledger::next(Random& random) {
  const std::lock_guard lock(mutex_);
  if (below(random, 3) == 0) {
    for (auto& [tag, order] : orders_) {
      if (order.sent || order.acknowledged || order.refused) continue;
      order.sent = true;
      return order;
    }
  }
  if (underWay() >= kUnderWayMax) return std::nullopt;
  std::optional<Order> order;
  if (below(random, 3) == 0) order = newResume(random);
  if (!order) order = newStart(random);
  order->sent = true;
  orders_.emplace(order->tag, *order);
  return order;
}

void Ledger::answered(const std::string& tag, const Json& body) {
  const std::lock_guard lock(mutex_);
  Order& order = orders_.at(tag);
  order.sent = false;
  const std::string session_id = json::stringOr(body, "session_id", "");
  const std::string run_id = json::stringOr(body, "run_id", "");
  if (session_id.empty() || run_id.empty()) return note(tag + ": no handle: " + json::dump(body));
  if (order.acknowledged && order.run_id != run_id)
    return note(tag + ": one key was answered with two runs");
  order.acknowledged = true;
  order.session_id = session_id;
  order.run_id = run_id;
  tag_of_run_[run_id] = tag;
  if (order.tool == "start_agent" && order.kind == "talk") talks_.push_back(session_id);
}

void Ledger::refused(const std::string& tag, const Json& error) {
  const std::lock_guard lock(mutex_);
  Order& order = orders_.at(tag);
  order.sent = false;
  order.refused = true;
  const Json* about = json::find(error, "_meta");
  const Json* told = about != nullptr ? json::find(*about, "tutti/error") : nullptr;
  const std::string name = told != nullptr ? json::stringOr(*told, "name", "") : std::string();
  if (name == "session_busy") return;
  note(tag + ": " + order.tool + " refused: " + json::dump(error));
}

void Ledger::lost(const std::string& tag) {
  const std::lock_guard lock(mutex_);
  orders_.at(tag).sent = false;
}

std::optional<std::string> Ledger::toStop(Random& random) {
  const std::lock_guard lock(mutex_);
  if (tag_of_run_.empty()) return std::nullopt;
  auto at = tag_of_run_.begin();
  std::advance(at, below(random, std::ssize(tag_of_run_)));
  const std::string session_id = orders_.at(at->second).session_id;
  stop_asked_[session_id] = true;
  std::erase(talks_, session_id);
  return session_id;
}

std::optional<std::string> Ledger::toAwait(Random& random) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> open;
  for (const auto& [tag, order] : orders_)
    if (order.acknowledged && order.reported.empty()) open.push_back(order.run_id);
  if (open.empty()) return std::nullopt;
  return open[static_cast<std::size_t>(below(random, std::ssize(open)))];
}

void Ledger::told(const Json& result) {
  const std::lock_guard lock(mutex_);
  if (!json::booleanOr(result, "finished", false)) return;
  const std::string run_id = json::stringOr(result, "run_id", "");
  const auto tag = tag_of_run_.find(run_id);
  if (tag == tag_of_run_.end()) return;
  Order& order = orders_.at(tag->second);
  const std::string status = json::stringOr(result, "status", "");
  if (!order.reported.empty() && order.reported != status)
    note(order.tag + ": told as " + order.reported + ", then as " + status);
  order.reported = status;
}

void Ledger::problem(const std::string& text) {
  const std::lock_guard lock(mutex_);
  note(text);
}

void Ledger::note(const std::string& text) {
  if (problems_.size() < kProblemsMax) problems_.push_back(text);
}

std::vector<std::string> Ledger::problems() const {
  const std::lock_guard lock(mutex_);
  return problems_;
}

std::map<std::string, Order> Ledger::orders() const {
  const std::lock_guard lock(mutex_);
  return orders_;
}

bool Ledger::stopAsked(const std::string& session_id) const {
  const std::lock_guard lock(mutex_);
  return stop_asked_.contains(session_id);
}

}  // namespace tutti::crash
