// Inner to server/search: the indexer's work on texts.
#pragma once

#include <stop_token>

#include "server/search/indexer.hpp"

namespace tutti::search {

/// Runs on the indexer's thread only.
class TextWork {
 public:
  TextWork(store::Store& store, DocumentSource& source, const IndexerOptions& options)
      : store_(store), source_(source), options_(options) {}

  /// Indexes some of what waits; false when nothing does. Blocks.
  bool work(const std::stop_token& stop);
  /// When work() has something to do again without a further change.
  std::int64_t dueInMs() const { return due_in_ms_; }

 private:
  /// What waits for one document: rows of the queue, or a retry.
  struct Waiting {
    std::string document_id;
    std::vector<std::int64_t> queue_ids;
    int attempts = 0;
  };
  /// What is to be written about it.
  struct Prepared {
    Waiting waiting;
    bool gone = false;
    DocumentLabels labels;
    IndexedText text;
    std::optional<Error> failed;  ///< to be tried again
  };

  Result<std::vector<Waiting>> waiting();
  Prepared prepare(Waiting waiting) const;
  void readText(const DocumentSource::Described& document, Prepared& prepared) const;
  Status commit(const std::vector<Prepared>& batch);
  Status apply(store::Tx& tx, const Prepared& prepared) const;
  void postpone(store::Tx& tx, const Prepared& prepared) const;

  store::Store& store_;
  DocumentSource& source_;
  const IndexerOptions& options_;
  std::int64_t due_in_ms_ = 0;
};

}  // namespace tutti::search
