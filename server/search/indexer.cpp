#include "server/search/indexer.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "server/base/file.hpp"
#include "server/base/log.hpp"
#include "server/search/embedder.hpp"
#include "server/search/indexer_text.hpp"

namespace tutti::search {
namespace {
using store::Connection;
using store::Statement;
constexpr std::int64_t kCountMax = 10'000;
}  // namespace

namespace {
/// A thread's rest between pieces of work. With a mutex, for commits are told on the writer's
/// thread.
class Rest {
 public:
  explicit Rest(const IndexerOptions& options) : options_(options) {}

  /// Until wake(), at most `most_ms`. Thread-safe.
  void wait(const std::stop_token& stop, std::int64_t most_ms) {
    const auto most =
        std::chrono::milliseconds(std::clamp<std::int64_t>(most_ms, 1, options_.look_ms));
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, stop, most, [this] { return woken_; });
    // Commits come in bursts: one look for many.
    if (woken_)
      changed_.wait_for(guard, stop, std::chrono::milliseconds(options_.settle_ms),
                        [] { return false; });
    woken_ = false;
  }

  void wake() {
    const std::scoped_lock guard(mutex_);
    if (woken_) return;
    woken_ = true;
    changed_.notify_one();
  }

 private:
  const IndexerOptions& options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;  // guarded by mutex_
};
}  // namespace

/// Two threads, so that texts do not wait for a slow embeddings server.
struct Indexer::Impl {
  Impl(store::Store& the_store, DocumentSource& source, Embeddings* embeddings,
       IndexerOptions the_options)
      : store(the_store),
        options(std::move(the_options)),
        texts(the_store, source, options),
        embedder(the_store, embeddings, options),
        text_rest(options),
        embed_rest(options) {}

  void indexTexts(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!owned) takeLock();
      if (owned && texts.work(stop))
        embed_rest.wake();
      else
        text_rest.wait(stop, owned ? texts.dueInMs() : options.lock_retry_ms);
    }
  }

  void makeVectors(const std::stop_token& stop) {
    while (!stop.stop_requested())
      if (!owned || !embedder.work(stop)) embed_rest.wait(stop, embedder.dueInMs());
  }

  void takeLock() {
    Result<Fd> taken = tryLockFile(store.folder() / "search.lock");
    if (!taken.ok())
      return log::warning("cannot lock the search index", {{"error", taken.error().text()}});
    if (!*taken) return;
    lock = std::move(*taken);
    owned = true;
    embed_rest.wake();
  }

  void wake() {
    text_rest.wake();
    embed_rest.wake();
  }

  store::Store& store;
  const IndexerOptions options;
  Fd lock;                          // the text thread's
  std::atomic<bool> owned = false;  // never false again
  TextWork texts;                   // the text thread's
  EmbedWork embedder;               // the other's
  Rest text_rest;
  Rest embed_rest;
  std::shared_ptr<void> observer;
  std::jthread text_thread;  // last: they use everything above
  std::jthread embed_thread;
};

Indexer::Indexer(store::Store& store, DocumentSource& source, Embeddings* embeddings,
                 IndexerOptions options)
    : impl_(std::make_unique<Impl>(store, source, embeddings, std::move(options))),
      has_embeddings_(embeddings != nullptr) {}

Indexer::~Indexer() {
  impl_->observer.reset();
}

void Indexer::start() {
  Impl* const impl = impl_.get();
  impl->observer = impl->store.onCommit([impl] { impl->wake(); });
  impl->text_thread = std::jthread([impl](const std::stop_token& stop) { impl->indexTexts(stop); });
  if (has_embeddings_)
    impl->embed_thread =
        std::jthread([impl](const std::stop_token& stop) { impl->makeVectors(stop); });
}

void Indexer::wake() {
  impl_->wake();
}

Backlog backlogOf(Connection& db, std::int64_t generation) {
  Backlog backlog;
  Statement documents(db,
                      "SELECT (SELECT count(DISTINCT document_id) FROM"
                      " (SELECT document_id FROM document_index_queue LIMIT ?1))"
                      " + (SELECT count(*) FROM search_retries)",
                      kCountMax);
  if (documents.step()) backlog.documents = documents.integer(0);
  if (generation == 0) return backlog;
  Statement chunks(db,
                   "SELECT count(*) FROM (SELECT 1 FROM search_chunks WHERE embedded < ? LIMIT ?)",
                   generation, kCountMax);
  if (chunks.step()) backlog.chunks = chunks.integer(0);
  return backlog;
}

std::int64_t generationOf(Connection& db, const std::string& model_identity) {
  Statement newest(
      db, "SELECT generation, identity FROM search_models ORDER BY generation DESC LIMIT 1");
  return newest.step() && newest.text(1) == model_identity ? newest.integer(0) : 0;
}

}  // namespace tutti::search
