// Vectors of the texts that routing learns from, in the store: a restart or another replica does
// not ask the embeddings server again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/routing/text_vector.hpp"
#include "server/store/store.hpp"

namespace tutti::routing {

/// Of all embeddings models together; of more, those that were not used for longest go.
inline constexpr std::int64_t kStoredVectorsMax = 20'000;

struct StoredVector {
  std::string key;    ///< vectorKey()
  TextVector vector;  ///< empty: the server will not have this text
};

struct FoundVectors {
  TextVectors vectors;                    ///< empty ones too
  std::vector<std::string> used_earlier;  ///< keys of those not noted as used on that day
};
/// Those of `keys` that are there for the model of that identity (see VectorSource). `day`: days
/// since 1970.
FoundVectors findVectors(store::Connection& db, std::string_view identity,
                         const std::vector<std::string>& keys, std::int64_t day);

/// Leaves kStoredVectorsMax at most. Errors: FailedPrecondition "embeddings_dimension" for one of
/// another length than those that are there.
Status putVectors(store::Tx& tx, std::string_view identity,
                  const std::vector<StoredVector>& vectors, std::int64_t day);

/// Notes that they are in use on that day.
void touchVectors(store::Tx& tx, std::string_view identity, const std::vector<std::string>& keys,
                  std::int64_t day);

}  // namespace tutti::routing
