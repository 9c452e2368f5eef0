// Inner to server/documents: links as rows, and walking along them.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/documents/types.hpp"
#include "server/store/connection.hpp"

namespace tutti::documents {

struct LinkRow {
  std::int64_t document_seq = 0;
  std::int64_t related_seq = 0;
  Relation relation;
};

/// Of one document, by id.
std::vector<LinkRow> linksOf(store::Connection& db, std::int64_t document_seq);
std::optional<LinkRow> linkById(store::Connection& db, std::int64_t id);

/// Breadth first, each document once. Those that the caller may not see are passed by: known, so
/// that they are looked at once, and not led through.
class Walk {
 public:
  explicit Walk(std::int64_t start) : from_{{start, start}}, queue_{start} {}

  /// The next document to look at.
  std::optional<std::int64_t> next() {
    if (queue_.empty()) return std::nullopt;
    const std::int64_t at = queue_.front();
    queue_.pop_front();
    return at;
  }
  /// Found from `by`; false when it is known already.
  bool reach(std::int64_t document_seq, std::int64_t by) {
    if (!from_.emplace(document_seq, by).second) return false;
    queue_.push_back(document_seq);
    return true;
  }
  void passBy(std::int64_t document_seq) { from_.emplace(document_seq, document_seq); }
  bool knows(std::int64_t document_seq) const { return from_.count(document_seq) != 0; }
  /// How many documents have been looked at or wait for it.
  std::int64_t known() const { return static_cast<std::int64_t>(from_.size()); }
  /// From the start to a document that was reached.
  std::vector<std::int64_t> wayTo(std::int64_t document_seq) const;

 private:
  std::unordered_map<std::int64_t, std::int64_t> from_;
  std::deque<std::int64_t> queue_;
};

}  // namespace tutti::documents
