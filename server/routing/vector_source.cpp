#include "server/routing/vector_source.hpp"

namespace tutti::routing {

Error otherDimension(std::size_t found, std::size_t expected) {
  return Error(Code::FailedPrecondition,
               "the embeddings server gave a vector of " + std::to_string(found) +
                   " dimensions instead of " + std::to_string(expected),
               "the model behind its name has changed: configure it under another name")
      .named("embeddings_dimension");
}

Result<std::vector<TextVector>> vectorsOf(const std::vector<std::vector<float>>& components) {
  std::vector<TextVector> vectors;
  for (const std::vector<float>& one : components) {
    if (one.size() > kDimensionsMax)
      return Error(Code::FailedPrecondition,
                   "the embeddings server gave a vector of " + std::to_string(one.size()) +
                       " dimensions, and routing takes " + std::to_string(kDimensionsMax),
                   "ask for fewer by --embeddings-dimensions")
          .named("embeddings_dimension");
    auto vector = vectorOf(one);
    if (!vector)
      return Error(Code::Internal, "the embeddings server gave a vector without a direction",
                   "look at what its model answers")
          .named("embeddings_invalid");
    vectors.push_back(std::move(*vector));
  }
  return vectors;
}

}  // namespace tutti::routing
