#include "server/store/commit_observers.hpp"

#include <utility>

namespace tutti::store {

std::shared_ptr<void> CommitObservers::add(std::function<void()> observer) {
  auto entry = std::make_shared<Entry>();
  entry->observer = std::move(observer);
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [](const std::weak_ptr<Entry>& known) { return known.expired(); });
  entries_.push_back(entry);
  Entry* const address = entry.get();
  return std::shared_ptr<void>(address, [entry = std::move(entry)](void*) {
    const std::scoped_lock ending(entry->mutex);
    entry->observer = nullptr;
  });
}

void CommitObservers::notify() {
  std::vector<std::weak_ptr<Entry>> entries;
  {
    const std::scoped_lock lock(mutex_);
    entries = entries_;
  }
  for (const auto& known : entries) {
    const std::shared_ptr<Entry> entry = known.lock();
    if (entry == nullptr) continue;
    const std::scoped_lock calling(entry->mutex);
    if (entry->observer) entry->observer();
  }
}

}  // namespace tutti::store
