// The context store as what the indexer reads.
#pragma once

#include "server/documents/contents.hpp"
#include "server/search/indexer.hpp"
#include "server/store/store.hpp"

namespace tutti::search {

/// Thread-safe. Blocks, so never on the I/O thread. `store` outlives it.
class StoredDocuments final : public DocumentSource {
 public:
  explicit StoredDocuments(store::Store& store) : store_(store), files_(store.folder()) {}

  /// A placeholder (version 0) is a document without text.
  Result<std::optional<Described>> describe(const std::string& document_id) override;
  Result<std::string> read(const Described& document, std::size_t bytes_max) override;

 private:
  store::Store& store_;
  const documents::ContentFiles files_;
};

}  // namespace tutti::search
