// Inner to server/search: the indexer's work on vectors.
#pragma once

#include <stop_token>

#include "server/search/indexer.hpp"

namespace tutti::search {

/// Runs on the indexer's thread only.
class EmbedWork {
 public:
  EmbedWork(store::Store& store, Embeddings* embeddings, const IndexerOptions& options)
      : store_(store), embeddings_(embeddings), options_(options) {}

  /// Gives some chunks their vectors; false when none lacks one, or the server is to be left alone
  /// for dueInMs(). Blocks.
  bool work(const std::stop_token& stop);
  std::int64_t dueInMs() const;

 private:
  struct Pending {
    std::int64_t chunk_id;
    std::string text;
    std::optional<Vector> vector;  ///< none: the server will not have this text
  };

  Status begin();
  Result<std::vector<Pending>> pending();
  Status embed(std::vector<Pending>& chunks, const std::stop_token& stop);
  Status embedOneByOne(std::vector<Pending>& chunks, const std::stop_token& stop);
  Status checkDimensions(const std::vector<Pending>& chunks);
  Status commit(const std::vector<Pending>& chunks);
  bool failed(const Error& error);

  store::Store& store_;
  Embeddings* const embeddings_;
  const IndexerOptions& options_;
  std::int64_t generation_ = 0;
  std::int64_t dimensions_ = 0;  ///< of the generation; 0: not known yet
  int failures_ = 0;
  std::int64_t retry_at_ms_ = 0;
};

}  // namespace tutti::search
