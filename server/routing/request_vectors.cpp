#include "server/routing/request_vectors.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tutti::routing {
namespace {
Error slow(std::int64_t wait_max_ms) {
  return Error(Code::DeadlineExceeded,
               "the embeddings server gave no vector of the request within " +
                   std::to_string(wait_max_ms) + " ms",
               "the words decide; its answer serves the next time, if it comes")
      .named("embeddings_slow");
}
}  // namespace

RequestVectors::RequestVectors(Parts parts)
    : parts_(std::move(parts)),
      self_(std::make_shared<RequestVectors*>(this)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

RequestVectors::~RequestVectors() {
  *self_ = nullptr;
}

const TextVector* RequestVectors::kept(std::string_view text) const {
  return findVector(kept_, text);
}

bool RequestVectors::complete(const std::vector<std::string>& keys,
                              std::vector<TextVector>& vectors) const {
  vectors.clear();
  for (const std::string& key : keys) {
    const auto found = kept_.find(key);
    if (found == kept_.end()) return false;
    vectors.push_back(found->second);
  }
  return true;
}

void RequestVectors::get(const std::vector<std::string>& texts, Then then) {
  Waiting one;
  for (const std::string& text : texts) one.keys.push_back(vectorKey(text));
  std::vector<TextVector> vectors;
  if (complete(one.keys, vectors)) return then(std::move(vectors));
  if (late_) return then(slow(parts_.options.wait_max_ms));
  if (waiting_.size() >= parts_.options.waiting_max)
    return then(
        Error(Code::Unavailable,
              std::to_string(waiting_.size()) + " decisions wait for vectors already (waiting_max)",
              "the words decide")
            .named("embeddings_busy"));
  one.then = std::move(then);
  const auto at = waiting_.insert(waiting_.end(), std::move(one));
  at->timer = parts_.after(parts_.options.wait_max_ms, [this, at] { tooLate(at); });
  ask(texts);
}

void RequestVectors::ask(const std::vector<std::string>& texts) {
  const std::scoped_lock lock(mutex_);
  for (const std::string& text : texts) {
    const std::string key = vectorKey(text);
    if (!kept_.contains(key) && asked_.insert(key).second) queue_.push_back(vectorText(text));
  }
  wake_.notify_one();
}

void RequestVectors::tooLate(WaitingList::iterator one) {
  late_ = !asked_.empty();
  const Then then = std::move(one->then);
  waiting_.erase(one);
  then(slow(parts_.options.wait_max_ms));
}

void RequestVectors::run(const std::stop_token& stop) {
  for (;;) {
    std::vector<std::string> texts;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      while (!queue_.empty() && texts.size() < kVectorBatchMax) {
        texts.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    fetch(std::move(texts), stop);
  }
}

void RequestVectors::fetch(std::vector<std::string> texts, const std::stop_token& stop) {
  const auto components = parts_.source.ask(texts, stop);
  if (stop.stop_requested()) return;
  if (!components.ok() && texts.size() > 1 && parts_.source.is_texts_fault(components.error())) {
    for (std::string& text : texts)
      fetch({std::move(text)}, stop);  // one is no fault of the others
    return;
  }
  auto vectors = components.ok() ? vectorsOf(*components)
                                 : Result<std::vector<TextVector>>(components.error());
  parts_.post([self = self_, texts = std::move(texts), vectors = std::move(vectors)] {
    if (*self != nullptr) (*self)->answered(texts, vectors);
  });
}

void RequestVectors::answered(const std::vector<std::string>& texts,
                              const Result<std::vector<TextVector>>& vectors) {
  late_ = false;
  std::unordered_set<std::string> failed;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string key = vectorKey(texts[i]);
    asked_.erase(key);
    if (vectors.ok())
      keep(key, (*vectors)[i]);
    else
      failed.insert(key);
  }
  const auto isFailed = [&](const std::string& key) { return failed.contains(key); };
  std::vector<std::pair<Then, Result<std::vector<TextVector>>>> ended;
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    std::vector<TextVector> own;
    const bool whole = complete(one->keys, own);
    if (!whole && std::none_of(one->keys.begin(), one->keys.end(), isFailed)) {
      ++one;
      continue;
    }
    if (whole)
      ended.emplace_back(std::move(one->then), std::move(own));
    else
      ended.emplace_back(std::move(one->then), vectors.error());
    one = waiting_.erase(one);
  }
  for (auto& [then, result] : ended) then(std::move(result));  // these may call get()
}

void RequestVectors::keep(const std::string& key, TextVector vector) {
  if (!kept_.insert_or_assign(key, std::move(vector)).second) return;
  kept_order_.push_back(key);
  if (kept_order_.size() <= parts_.options.kept_max) return;
  kept_.erase(kept_order_.front());
  kept_order_.pop_front();
}

}  // namespace tutti::routing
