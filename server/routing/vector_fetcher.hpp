// Gets vectors for the texts that routing learns from, in the background.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "server/routing/stored_vectors.hpp"
#include "server/routing/vector_source.hpp"
#include "server/store/store.hpp"

namespace tutti::routing {

struct VectorFetcherOptions {
  std::size_t waiting_max = 20'000;  ///< texts without a vector; more are left without
  std::int64_t retry_ms = 1'000;     ///< after a failure; doubled with each further one
  std::int64_t retry_max_ms = 30'000;
};

/// Called on the I/O thread only. Asks and writes on a thread of its own, whose end the destructor
/// awaits.
class VectorFetcher {
 public:
  struct Parts {
    store::Store& store;
    VectorSource source;
    std::function<void(std::function<void()>)> post;  ///< runs a function on the I/O thread
    std::function<void()> fetched;  ///< on the I/O thread: all that was wanted has been dealt with
    VectorFetcherOptions options = {};
  };
  explicit VectorFetcher(Parts parts);
  ~VectorFetcher();

  /// Beside those that are wanted already. They come into the store; a text that the server will
  /// not have, as an empty vector.
  void want(const std::vector<std::string>& texts);
  /// One that is there already comes into the store too.
  void keep(std::string_view text, const TextVector& vector);
  /// The server answers others: where it gave no answer, the attempt that waits for its time is
  /// made now.
  void retry();

  std::size_t waiting() const;
  /// From want() until `fetched` has run.
  bool fetching() const { return fetching_; }
  /// Why the last attempt failed, while there is none after it.
  std::optional<Error> problem() const;

 private:
  void run(const std::stop_token& stop);
  Status fetch(const std::vector<std::string>& texts, const std::stop_token& stop);
  Status fetchOneByOne(const std::vector<std::string>& texts, const std::stop_token& stop);
  Result<TextVector> fetchOne(const std::string& text, const std::stop_token& stop);
  Status put(std::vector<StoredVector> vectors);
  void succeeded(std::size_t count);
  void failed(const Error& error);

  Parts parts_;
  bool fetching_ = false;
  std::shared_ptr<VectorFetcher*> self_;  ///< null once this has gone
  mutable std::mutex mutex_;              // between the two threads
  std::condition_variable_any wake_;
  std::deque<std::string> texts_;              // guarded by mutex_
  std::unordered_set<std::string> keys_;       // guarded by mutex_: of texts_
  std::optional<Error> problem_;               // guarded by mutex_
  int failures_ = 0;                           // guarded by mutex_: in a row
  std::chrono::steady_clock::time_point due_;  // guarded by mutex_
  std::jthread thread_;                        // last: it uses everything above
};

/// Days since 1970.
std::int64_t today();

}  // namespace tutti::routing
