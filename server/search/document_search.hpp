// Search as the faces use it: what the caller may not see is not found.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/documents/types.hpp"
#include "server/search/embeddings.hpp"
#include "server/search/search.hpp"

namespace tutti::search {

struct DocumentQuery {
  documents::Caller caller;
  documents::Place place;
  std::string query;
  std::optional<Mode> mode;
  std::vector<std::string> tags;  ///< all of them
  std::size_t limit = 10;
  bool include_relations = false;
};

struct DocumentsFound {
  SearchAnswer answer;
  /// By document, of those found, if asked for.
  std::map<std::string, std::vector<documents::Relation>> relations;
};

/// Search, index and embeddings of one process. Runs on the I/O thread; work is on threads of their
/// own, which begin with the first search or the first wake() that finds something to index.
/// Outlives what it has been asked: destroy it when the I/O thread has stopped.
class DocumentSearch {
 public:
  using Done = std::function<void(Result<DocumentsFound>)>;
  struct Parts {
    store::Store& store;
    std::function<void(std::function<void()>)> post;  ///< runs a function on the I/O thread
    std::optional<EmbeddingsOptions> embeddings;      ///< none: by words alone
  };

  /// Errors: those of Embeddings::create().
  static Result<std::unique_ptr<DocumentSearch>> create(Parts parts);
  ~DocumentSearch();

  /// Documents may have changed, by whichever process.
  void wake();

  /// Errors: those of Search::search(), viewerOf(), sightOf().
  void search(DocumentQuery query, Done done);

 private:
  struct Impl;
  explicit DocumentSearch(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

/// AOF's answer with what is ours beside it: {query, mode, results: [{document_id, filename,
/// document_url, score, sections, relations?}], indexing}. `base_url` comes before documents'
/// paths; without one there is no `document_url`.
Json toJson(const DocumentsFound& found, bool include_relations, const std::string& base_url);

}  // namespace tutti::search
