// Made-up vectors: each meaning points in a direction of its own, a text in the sum of its words'.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/random.hpp"
#include "server/routing/text_vector.hpp"
#include "server/routing/vector_source.hpp"
#include "tests/routing/posted.hpp"

namespace tutti::routing {

/// Words that mean the same are to be given as one: {"physician", "doctor"}.
class MadeUpVectors {
 public:
  explicit MadeUpVectors(std::map<std::string, std::string> same, std::size_t dimensions = 256)
      : same_(std::move(same)), dimensions_(dimensions) {}

  std::vector<float> components(std::string_view text) const {
    std::vector<float> sum(dimensions_, 0.0F);
    std::string word;
    for (const char letter : std::string(text) + " ") {
      if (letter != ' ') {
        word += letter;
        continue;
      }
      if (!word.empty()) add(word, sum);
      word.clear();
    }
    return sum;
  }
  TextVector of(std::string_view text) const {
    const auto vector = vectorOf(components(text));
    EXPECT_TRUE(vector) << text;
    return vector.value_or(TextVector());
  }
  void addTo(TextVectors& vectors, std::string_view text) const {
    vectors[vectorKey(text)] = of(text);
  }

 private:
  void add(const std::string& word, std::vector<float>& sum) const {
    const auto known = same_.find(word);
    std::uint64_t seed = 1469598103934665603U;
    for (const char letter : known == same_.end() ? word : known->second)
      seed = (seed ^ static_cast<unsigned char>(letter)) * 1099511628211U;
    Random random(seed);
    for (float& one : sum) one += random.unit() - 0.5F;
  }

  std::map<std::string, std::string> same_;
  std::size_t dimensions_;
};

/// An embeddings server inside the test: thread-safe.
class MadeUpServer {
 public:
  /// The error that every call gets; none: vectors.
  void failWith(std::optional<Error> error) {
    const std::scoped_lock lock(mutex_);
    error_ = std::move(error);
  }
  /// Calls wait until hold(false).
  void hold(bool held) {
    const std::scoped_lock lock(mutex_);
    held_ = held;
    wake_.notify_all();
  }
  /// A text with that word is the text's fault.
  void reject(std::string word) {
    const std::scoped_lock lock(mutex_);
    rejected_ = std::move(word);
  }
  std::vector<std::string> asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }
  int calls() const {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }
  VectorSource source() {
    const auto embed = [this](const std::vector<std::string>& texts, const std::stop_token& stop) {
      return answer(texts, stop);
    };
    return {"made up", "made-up", embed, embed,
            [](const Error& error) { return error.name() == "embeddings_rejected"; }};
  }
  MadeUpVectors vectors{{}};

 private:
  Result<std::vector<std::vector<float>>> answer(const std::vector<std::string>& texts,
                                                 const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    ++calls_;
    asked_.insert(asked_.end(), texts.begin(), texts.end());
    wake_.wait(lock, stop, [this] { return !held_; });
    if (stop.stop_requested()) return Error(Code::Cancelled, "told to stop");
    if (error_) return *error_;
    std::vector<std::vector<float>> all;
    for (const std::string& text : texts) {
      if (!rejected_.empty() && text.find(rejected_) != std::string::npos)
        return Error(Code::InvalidArgument, "a text is too long").named("embeddings_rejected");
      all.push_back(vectors.components(text));
    }
    return all;
  }

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<Error> error_;      // guarded by mutex_
  bool held_ = false;               // guarded by mutex_
  std::string rejected_;            // guarded by mutex_
  std::vector<std::string> asked_;  // guarded by mutex_
  int calls_ = 0;                   // guarded by mutex_
};

inline Error unreachable() {
  return Error(Code::Unavailable, "nobody listens").named("embeddings_unreachable");
}

}  // namespace tutti::routing
