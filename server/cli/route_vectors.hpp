// The embeddings server that is configured, as document search and routing take it.
#pragma once

#include <optional>

#include "server/cli/settings.hpp"
#include "server/routing/vector_source.hpp"
#include "server/search/embeddings.hpp"

namespace tutti::cli {

/// None when no server is configured.
std::optional<search::EmbeddingsOptions> embeddingsOptions(const EmbeddingsSettings& settings);

/// None when no server is configured, or routing is not to use it. Texts to learn from and requests
/// are asked for by two clients: one that is late with the former is still quick with the latter.
/// Errors: those of Embeddings::create().
Result<std::optional<routing::VectorSource>> routeVectors(const Settings& settings);

}  // namespace tutti::cli
