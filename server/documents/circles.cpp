#include "server/documents/circles.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
/// Tarjan's strongly connected components, with a stack of its own instead of recursion. Who is in
/// a circle shares a component with others, or is its own child.
class Components {
 public:
  explicit Components(store::Connection& db) : db_(db) {}

  void visitAllFrom(std::int64_t start) {
    if (seen_.contains(start)) return;
    enter(start);
    while (!way_.empty()) {
      Visit& visit = way_.back();
      if (visit.next == visit.children.size()) {
        leave();
        continue;
      }
      const std::int64_t child = visit.children[visit.next++];
      const auto known = seen_.find(child);
      if (known == seen_.end())
        enter(child);  // `visit` is no longer valid
      else if (known->second.open)
        reach(visit.document_seq, known->second.number);
    }
  }
  std::set<std::int64_t> takeCircles() { return std::move(circles_); }

 private:
  struct Seen {
    std::int64_t number;  ///< in the order of the visits
    std::int64_t lowest;  ///< of those that can be reached from here
    bool open;            ///< its component is not known yet
  };
  struct Visit {
    std::int64_t document_seq;
    std::vector<std::int64_t> children;
    std::size_t next = 0;
  };

  void enter(std::int64_t document_seq) {
    const auto number = static_cast<std::int64_t>(seen_.size());
    seen_[document_seq] = {number, number, true};
    open_.push_back(document_seq);
    std::vector<std::int64_t> children;
    Statement rows(db_,
                   "SELECT related_seq FROM document_relations"
                   " WHERE document_seq = ? AND relation_type = 'child'",
                   document_seq);
    while (rows.step()) children.push_back(rows.integer(0));
    if (std::find(children.begin(), children.end(), document_seq) != children.end())
      circles_.insert(document_seq);
    way_.push_back({document_seq, std::move(children)});
  }
  void reach(std::int64_t document_seq, std::int64_t number) {
    std::int64_t& lowest = seen_[document_seq].lowest;
    lowest = std::min(lowest, number);
  }
  void leave() {
    const std::int64_t document_seq = way_.back().document_seq;
    way_.pop_back();
    const Seen seen = seen_[document_seq];
    if (!way_.empty()) reach(way_.back().document_seq, seen.lowest);
    if (seen.lowest != seen.number) return;
    const bool alone = open_.back() == document_seq;
    for (std::int64_t member = -1; member != document_seq;) {
      member = open_.back();
      open_.pop_back();
      seen_[member].open = false;
      if (!alone) circles_.insert(member);
    }
  }

  store::Connection& db_;
  std::unordered_map<std::int64_t, Seen> seen_;
  std::vector<std::int64_t> open_;
  std::vector<Visit> way_;
  std::set<std::int64_t> circles_;
};
}  // namespace

std::set<std::int64_t> inParentCircles(store::Connection& db) {
  Components components(db);
  Statement rows(db,
                 "SELECT DISTINCT document_seq FROM document_relations"
                 " WHERE relation_type = 'child'");
  while (rows.step()) components.visitAllFrom(rows.integer(0));
  return components.takeCircles();
}

}  // namespace tutti::documents
