// Gets the vector of a request that is to be decided, in a short and bounded time or not at all.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "server/routing/vector_source.hpp"

namespace tutti::routing {

/// Runs a function on the I/O thread after so many milliseconds, unless the handle is dropped.
using After = std::function<std::shared_ptr<void>(std::int64_t, std::function<void()>)>;

struct RequestVectorsOptions {
  std::int64_t wait_max_ms = 300;  ///< what a decision waits for its request's vector
  std::size_t waiting_max = 256;   ///< decisions that wait so
  std::size_t kept_max = 512;      ///< vectors, of up to 4 KB; the oldest goes
};

/// Called on the I/O thread only. Asks on a thread of its own, whose end the destructor awaits; an
/// answer that comes too late is kept for the next time.
class RequestVectors {
 public:
  struct Parts {
    VectorSource source;
    std::function<void(std::function<void()>)> post;  ///< runs a function on the I/O thread
    After after;
    RequestVectorsOptions options = {};
  };
  explicit RequestVectors(Parts parts);
  ~RequestVectors();

  using Then = std::function<void(Result<std::vector<TextVector>>)>;
  /// One vector a text, in their order, at once where they are kept, and within wait_max_ms in any
  /// case. Errors: those of VectorSource and vectorsOf(); DeadlineExceeded "embeddings_slow", at
  /// once while an earlier call is late; Unavailable "embeddings_busy" at waiting_max.
  void get(const std::vector<std::string>& texts, Then then);

  /// Null if it is not kept. Until the next get().
  const TextVector* kept(std::string_view text) const;

 private:
  struct Waiting {
    std::vector<std::string> keys;
    Then then;
    std::shared_ptr<void> timer;
  };
  using WaitingList = std::list<Waiting>;

  bool complete(const std::vector<std::string>& keys, std::vector<TextVector>& vectors) const;
  void ask(const std::vector<std::string>& texts);
  void tooLate(WaitingList::iterator one);
  void run(const std::stop_token& stop);
  void fetch(std::vector<std::string> texts, const std::stop_token& stop);
  void answered(const std::vector<std::string>& texts,
                const Result<std::vector<TextVector>>& vectors);
  void keep(const std::string& key, TextVector vector);

  Parts parts_;
  WaitingList waiting_;
  TextVectors kept_;
  std::deque<std::string> kept_order_;
  std::unordered_set<std::string> asked_;  ///< keys of what is queued or under way
  bool late_ = false;                      ///< a decision has waited in vain for what is under way
  std::shared_ptr<RequestVectors*> self_;  ///< null once this has gone
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::string> queue_;  // guarded by mutex_
  std::jthread thread_;            // last: it uses everything above
};

}  // namespace tutti::routing
