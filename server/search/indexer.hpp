// Keeps the index up with the documents, in the background of one process of many.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "server/search/embeddings.hpp"
#include "server/search/text_index.hpp"
#include "server/store/store.hpp"

namespace tutti::search {

/// The documents, as the indexer sees them. Called on the indexer's thread; may block.
class DocumentSource {
 public:
  struct Described {
    DocumentLabels labels;
    std::string content_type;
    std::int64_t size_bytes = 0;
  };
  virtual ~DocumentSource() = default;
  /// The document as it is now; nothing when it is gone.
  virtual Result<std::optional<Described>> describe(const std::string& document_id) = 0;
  /// The content of that version, which is not larger than `bytes_max`. Errors: NotFound when it
  /// went meanwhile; others are tried again.
  virtual Result<std::string> read(const Described& document, std::size_t bytes_max) = 0;
};

struct IndexerOptions {
  ExtractLimits extract;
  ChunkLimits chunks;
  std::int64_t queue_batch_max = 256;              ///< changes looked at together
  std::size_t documents_batch_max = 64;            ///< documents in one transaction
  std::size_t text_batch_bytes_max = 1024 * 1024;  ///< and bytes of their text
  std::int64_t chunks_batch_max = 64;              ///< chunks embedded before they are committed
  int attempts_max = 8;                            ///< to read a document
  std::int64_t retry_ms = 1'000;                   ///< doubled with each attempt
  std::int64_t retry_max_ms = 600'000;
  std::int64_t settle_ms = 10;   ///< between a commit and a look at the queue
  std::int64_t look_ms = 5'000;  ///< between looks when nobody wakes it
  std::int64_t lock_retry_ms = 1'000;
};

/// Works document_index_queue: a change is taken out of it in the transaction that indexed it. Of
/// all processes on a store one works at a time (the lock file search.lock); when it dies another
/// goes on. A document that cannot be read is tried again, later each time; one whose text cannot
/// be had (a broken PDF) is found by its name and tags, with the reason kept. With `embeddings`
/// every chunk then gets a vector, all anew when the model is another.
///
/// Has threads of its own from start() on, one for texts and one for vectors. `store`, `source` and
/// `embeddings` outlive it; the destructor stops within the time of one extraction.
class Indexer {
 public:
  Indexer(store::Store& store, DocumentSource& source, Embeddings* embeddings,
          IndexerOptions options = {});
  ~Indexer();

  void start();
  /// There may be work: after commits of other processes (those of this one it hears itself).
  /// Thread-safe, cheap.
  void wake();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  const bool has_embeddings_;
};

/// What is not in the index yet. Counts end at 10,000.
struct Backlog {
  std::int64_t documents = 0;
  std::int64_t chunks = 0;  ///< without a vector of `generation`; 0 without one
};
Backlog backlogOf(store::Connection& db, std::int64_t generation);
/// The generation of vectors of that model; 0 when there are none.
std::int64_t generationOf(store::Connection& db, const std::string& model_identity);

}  // namespace tutti::search
