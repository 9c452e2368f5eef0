// Where texts get their vectors: an embeddings server behind two calls, which the program wires.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "server/base/result.hpp"
#include "server/routing/text_vector.hpp"

namespace tutti::routing {

/// A copy asks the same server. Its calls block, and may come from two threads at once.
struct VectorSource {
  /// One vector a text, in their order. Errors are named, and have no text and no key in them;
  /// Cancelled when it is told to stop.
  using Embed = std::function<Result<std::vector<std::vector<float>>>(std::vector<std::string>,
                                                                      std::stop_token)>;

  std::string identity;  ///< the same whenever vectors may be compared
  std::string model;     ///< its name, for people
  Embed learn;           ///< of texts to learn from: may take minutes
  Embed ask;             ///< of a request that is to be decided: a few seconds
  std::function<bool(const Error&)> is_texts_fault;  ///< of an error: not the server's
};

inline constexpr std::size_t kVectorBatchMax = 32;  ///< texts in one call

/// Errors: FailedPrecondition "embeddings_dimension" for one that is too long, Internal
/// "embeddings_invalid" for one without a direction.
Result<std::vector<TextVector>> vectorsOf(const std::vector<std::vector<float>>& components);

/// FailedPrecondition "embeddings_dimension".
Error otherDimension(std::size_t found, std::size_t expected);

}  // namespace tutti::routing
