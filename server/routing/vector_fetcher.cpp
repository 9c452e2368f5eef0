#include "server/routing/vector_fetcher.hpp"

#include <algorithm>
#include <chrono>

#include "server/base/clock.hpp"
#include "server/base/log.hpp"

namespace tutti::routing {

std::int64_t today() {
  constexpr std::int64_t kDayMs = 86'400'000;
  return epochMillis(Clock::system().now()) / kDayMs;
}

VectorFetcher::VectorFetcher(Parts parts)
    : parts_(std::move(parts)),
      self_(std::make_shared<VectorFetcher*>(this)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

VectorFetcher::~VectorFetcher() {
  *self_ = nullptr;
}

void VectorFetcher::want(const std::vector<std::string>& texts) {
  const std::scoped_lock lock(mutex_);
  for (const std::string& text : texts) {
    if (texts_.size() >= parts_.options.waiting_max) break;
    if (keys_.insert(vectorKey(text)).second) texts_.push_back(vectorText(text));
  }
  fetching_ = fetching_ || !texts_.empty();
  wake_.notify_one();
}

void VectorFetcher::keep(std::string_view text, const TextVector& vector) {
  parts_.store.write(
      [identity = parts_.source.identity, one = StoredVector{vectorKey(text), vector}](
          store::Tx& tx) { return putVectors(tx, identity, {one}, today()); },
      [](const Status&) {});  // it is asked for again when it is missed
}

void VectorFetcher::retry() {
  const std::scoped_lock lock(mutex_);
  const bool unanswered = problem_ && (problem_->code() == Code::Unavailable ||
                                       problem_->code() == Code::DeadlineExceeded);
  if (!unanswered) return;  // what was answered will not do the next time either
  due_ = {};
  wake_.notify_one();
}

std::size_t VectorFetcher::waiting() const {
  const std::scoped_lock lock(mutex_);
  return texts_.size();
}

std::optional<Error> VectorFetcher::problem() const {
  const std::scoped_lock lock(mutex_);
  return problem_;
}

void VectorFetcher::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<std::string> texts;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [this] { return !texts_.empty(); });
      while (!stop.stop_requested() && std::chrono::steady_clock::now() < due_) {
        const auto until = due_;  // retry() moves it
        wake_.wait_until(lock, stop, until, [&] { return due_ != until; });
      }
      if (stop.stop_requested()) return;
      const std::size_t count = std::min(texts_.size(), kVectorBatchMax);
      texts.assign(texts_.begin(), texts_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    if (Status done = fetch(texts, stop); done.ok())
      succeeded(texts.size());
    else
      failed(done.error());
  }
}

Status VectorFetcher::fetch(const std::vector<std::string>& texts, const std::stop_token& stop) {
  const auto components = parts_.source.learn(texts, stop);
  if (!components.ok() && parts_.source.is_texts_fault(components.error()))
    return fetchOneByOne(texts, stop);
  if (!components.ok()) return components.error();
  auto vectors = vectorsOf(*components);
  if (!vectors.ok()) return vectors.error();
  std::vector<StoredVector> all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    all.push_back({vectorKey(texts[i]), std::move((*vectors)[i])});
  return put(std::move(all));
}

/// To find those that the server will not have.
Status VectorFetcher::fetchOneByOne(const std::vector<std::string>& texts,
                                    const std::stop_token& stop) {
  std::vector<StoredVector> all;
  bool some = false;
  for (const std::string& text : texts) {
    auto vector = fetchOne(text, stop);
    if (!vector.ok()) return vector.error();
    some = some || !vector->empty();
    all.push_back({vectorKey(text), std::move(*vector)});
  }
  if (some) return put(std::move(all));
  // Not one: is it these texts, or whatever the server is asked? Only then they are done with.
  const auto plain = parts_.source.learn({"text"}, stop);
  return plain.ok() ? put(std::move(all)) : Status(plain.error());
}

/// Empty for a text that the server will not have.
Result<TextVector> VectorFetcher::fetchOne(const std::string& text, const std::stop_token& stop) {
  const auto components = parts_.source.learn({text}, stop);
  if (!components.ok() && parts_.source.is_texts_fault(components.error())) return TextVector();
  if (!components.ok()) return components.error();
  auto vectors = vectorsOf(*components);
  if (!vectors.ok()) return vectors.error();
  return std::move(vectors->front());
}

Status VectorFetcher::put(std::vector<StoredVector> vectors) {
  return parts_.store.writeAndWait([this, &vectors](store::Tx& tx) {
    return putVectors(tx, parts_.source.identity, vectors, today());
  });
}

void VectorFetcher::succeeded(std::size_t count) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) {
    keys_.erase(vectorKey(texts_.front()));
    texts_.pop_front();
  }
  failures_ = 0;
  problem_.reset();
  if (!texts_.empty()) return;
  parts_.post([self = self_] {
    if (*self == nullptr) return;
    (*self)->fetching_ = (*self)->waiting() > 0;
    (*self)->parts_.fetched();
  });
}

void VectorFetcher::failed(const Error& error) {
  if (error.code() == Code::Cancelled) return;
  const std::scoped_lock lock(mutex_);
  const std::int64_t wait =
      std::min(parts_.options.retry_ms << std::min(failures_, 20), parts_.options.retry_max_ms);
  ++failures_;
  due_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait);
  if (!problem_ || problem_->name() != error.name())
    log::warning("routing goes by words: cannot get vectors of the agents' texts",
                 {{"error", error.text()}});
  problem_ = error;
}

}  // namespace tutti::routing
