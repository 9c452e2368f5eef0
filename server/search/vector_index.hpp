// The vectors of all chunks in memory, to be searched.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/search/embeddings.hpp"
#include "server/store/connection.hpp"

namespace tutti::search {

struct VectorLimits {
  std::size_t exact_max = 100'000;      ///< vectors; above that a graph (HNSW) is searched
  std::size_t rerank_max = 1'000;       ///< vectors read from the store for one search
  std::size_t vectors_max = 2'000'000;  ///< held; above that the oldest are left out
};

struct VectorHit {
  std::int64_t chunk_id = 0;
  double similarity = 0;  ///< cosine, exact
};

/// Holds a byte for each dimension; the floats stay in the store. A search ranks all by their bytes
/// and then by their floats, from the best on until no other can be among the best any more: for
/// that each vector's loss of precision is known. So up to `exact_max` vectors the answer is exact
/// (unless `rerank_max` candidates are too close to call) and, ties by chunk, always the same.
/// Above, a graph finds the candidates (HNSW) and a few true neighbours may be missed; where a
/// filter leaves too few of them, all are searched after all.
///
/// One thread at a time.
class VectorIndex {
 public:
  explicit VectorIndex(VectorLimits limits = {});
  ~VectorIndex();

  /// Takes over what changed in the store since the last call; everything when that was long ago
  /// or `generation` is another. In the transaction of the search. Throws DatabaseError.
  void refresh(store::Connection& db, std::int64_t generation);

  struct Wanted {
    std::size_t hits_max = 30;
    std::vector<std::string> partitions;  ///< any of them; none: all
    /// Asked for the likely best first, a chunk once; none: all.
    std::function<bool(std::int64_t chunk_id)> accept;
  };
  /// Best first. Errors: InvalidArgument "embeddings_dimension" when the query has another
  /// dimension than the vectors. Throws DatabaseError.
  Result<std::vector<VectorHit>> search(store::Connection& db, const Vector& query,
                                        const Wanted& wanted) const;

  /// Adds up to `count_max` vectors to the graph, about a millisecond each; false when there is
  /// nothing to do. While the graph lacks some, all vectors are searched exactly.
  bool extendGraph(std::size_t count_max);

  std::size_t size() const;
  std::size_t memoryBytes() const;
  /// Lets go of everything; the next refresh() loads it again.
  void clear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The vector's row. `vector` has length 1. Throws DatabaseError.
void putVector(store::Tx& tx, std::int64_t chunk_id, std::int64_t generation, const Vector& vector);

}  // namespace tutti::search
