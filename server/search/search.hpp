// Searching documents: by words, by meaning, or both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"
#include "server/search/embeddings.hpp"
#include "server/search/text_index.hpp"
#include "server/search/vector_index.hpp"
#include "server/store/store.hpp"

namespace tutti::search {

enum class Mode { FullText, Semantic, Hybrid };
std::string_view toString(Mode mode);  ///< "fulltext", "semantic", "hybrid"
std::optional<Mode> parseMode(std::string_view word);

struct SearchRequest {
  std::string query;
  std::optional<Mode> mode;  ///< none: hybrid when there are embeddings, else full text
  Filter filter;             ///< its `accept` runs on a reader's thread
  std::size_t limit = 10;    ///< 1 to 100 documents
  std::size_t sections_max = 3;
  std::int64_t wait_max_ms = 2'000;  ///< for what was queued before the search
  Marks marks;
};

struct SearchResult {
  std::string document_id;
  std::string filename;
  std::string partition;
  double score = 0;  ///< by mode: BM25, cosine, or fused ranks; comparable within one answer
  std::vector<Section> sections;
  Problem problem = {};  ///< why its text is not searched, as that of a PDF that is too large
};

struct SearchAnswer {
  std::string query;
  Mode mode = Mode::FullText;  ///< how it was searched in the end
  std::vector<SearchResult> results;
  std::int64_t indexing = 0;   ///< documents whose text is not in the index yet
  std::int64_t embedding = 0;  ///< sections without a vector yet (not counted for full text)
  /// Why a hybrid search was by words alone; empty otherwise.
  Problem problem;
};
/// {query, mode, results: [{document_id, filename, score, sections: [{score, offset, limit,
/// text}], problem?}], indexing}, with `embedding` and `problem` when there is something; a problem
/// is {name, message}.
Json toJson(const SearchAnswer& answer);

struct SearchOptions {
  TextLimits text;
  VectorLimits vectors;
  std::size_t queue_max = 64;          ///< searches waiting
  std::size_t fused_max = 100;         ///< documents taken from each side of a hybrid search
  std::int64_t idle_max_ms = 300'000;  ///< after which vectors are let go from memory
};

/// Hybrid answers fuse the ranks of both sides (reciprocal rank fusion, k = 60): a document's score
/// is the sum of 1/(60 + its rank). When the embeddings server fails, a hybrid search is by words
/// alone and says so; a semantic one fails.
///
/// Has threads of its own from the first search on. Thread-safe. `store` and `embeddings` outlive
/// it; the destructor ends searches under way (Cancelled) and waits for them.
class Search {
 public:
  using Done = std::function<void(Result<SearchAnswer>)>;

  /// `embeddings` may be null.
  Search(store::Store& store, Embeddings* embeddings, SearchOptions options = {});
  ~Search();

  /// `done` runs on a thread of the search; it must not block. Errors: InvalidArgument
  /// "invalid_query", "invalid_limit"; FailedPrecondition "semantic_not_enabled" (AOF's text:
  /// "Semantic search is not enabled"); those of Embeddings::embed() for a semantic search;
  /// Unavailable "search_busy" when the queue is full.
  void search(SearchRequest request, Done done);
  /// The same, waiting for the end: for the command line and tests.
  Result<SearchAnswer> searchAndWait(SearchRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::search
