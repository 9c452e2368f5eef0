// Things of one kind that a server offers: by key, in order, and as the pages of their list.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/base/text.hpp"
#include "server/mcp/paged_list.hpp"

namespace tutti::mcp {

/// T has `const std::string& key() const` and `void append(std::string& to, Revision) const`. Runs
/// on the I/O thread only. Whoever works on an entry keeps it: it may be removed meanwhile.
template <class T>
class Listed {
 public:
  using Entry = std::shared_ptr<const T>;

  explicit Listed(std::size_t page_max) : pages_(page_max) {}

  /// False when the key is taken.
  bool add(Entry entry) {
    if (!by_key_.emplace(entry->key(), entry).second) return false;
    order_.push_back(std::move(entry));
    pages_.clear();
    offered_ = true;
    return true;
  }
  /// False when there is none.
  bool remove(std::string_view key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return false;
    const Entry kept = found->second;  // the key is in there
    by_key_.erase(found);
    std::erase(order_, kept);
    pages_.clear();
    return true;
  }
  /// nullptr when there is none; else good until the next change.
  const Entry* find(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &found->second;
  }
  /// In the order of addition.
  const std::vector<Entry>& all() const { return order_; }
  /// Has there ever been an entry? A capability that was declared once is not taken back.
  bool offered() const { return offered_; }

  /// Keys that look like `key`, best first.
  std::vector<std::string> nearest(std::string_view key) const {
    std::vector<std::string> keys;
    keys.reserve(order_.size());
    for (const Entry& entry : order_) keys.push_back(entry->key());
    return nearestNames(key, keys);
  }
  std::optional<Page> page(Revision revision, std::string_view cursor) {
    return pages_.page(
        revision, cursor, order_.size(),
        [this](std::string& to, std::size_t index, Revision as) { order_[index]->append(to, as); });
  }

 private:
  PagedList pages_;
  std::vector<Entry> order_;
  std::unordered_map<std::string_view, Entry> by_key_;  // keys live in the entries
  bool offered_ = false;
};

}  // namespace tutti::mcp
