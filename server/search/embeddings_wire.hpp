// Inner to server/search: what goes over the wire to an embeddings server and back.
#pragma once

#include "server/search/embeddings.hpp"

namespace tutti::search {

std::string embeddingsUrl(const EmbeddingsOptions& options);
std::string embeddingsRequest(const EmbeddingsOptions& options, std::span<const std::string> texts);
/// The vectors of an answer to `count` texts, normalised. Errors: those of Embeddings::embed() that
/// are Internal.
Result<std::vector<Vector>> embeddingsAnswer(const EmbeddingsOptions& options,
                                             std::string_view body, std::size_t count);
/// The error of a status other than 200.
Error embeddingsStatusError(const EmbeddingsOptions& options, int status);

}  // namespace tutti::search
