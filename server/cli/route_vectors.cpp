#include "server/cli/route_vectors.hpp"

#include <memory>
#include <utility>

namespace tutti::cli {
namespace {
/// Nobody waits as long as this: the decision has been made, and the answer serves the next one.
constexpr std::int64_t kAskMaxMs = 5'000;
constexpr int kAskFailuresMax = 2;
constexpr std::int64_t kAskPauseMs = 500;
/// A server that is back is found out by a request, which waits for it only so long as for others.
constexpr std::int64_t kAskPauseMaxMs = 15'000;

routing::VectorSource::Embed embedBy(std::shared_ptr<search::Embeddings> client) {
  return [client = std::move(client)](const std::vector<std::string>& texts,
                                      const std::stop_token& stop) {
    return client->embed(texts, stop);
  };
}
}  // namespace

std::optional<search::EmbeddingsOptions> embeddingsOptions(const EmbeddingsSettings& settings) {
  if (settings.url.empty()) return std::nullopt;
  search::EmbeddingsOptions options;
  options.url = settings.url;
  options.wire =
      settings.wire == "ollama" ? search::EmbeddingsWire::Ollama : search::EmbeddingsWire::OpenAi;
  options.model = settings.model;
  options.key_environment = settings.key_environment;
  options.ca_file = settings.ca_file;
  options.dimensions = settings.dimensions;
  return options;
}

Result<std::optional<routing::VectorSource>> routeVectors(const Settings& settings) {
  const auto options = embeddingsOptions(settings.embeddings);
  if (!options || settings.route_embeddings == "off") return std::optional<routing::VectorSource>();
  auto learn = search::Embeddings::create(*options);
  if (!learn.ok()) return learn.error();
  search::EmbeddingsOptions quick = *options;
  quick.answer_max_ms = kAskMaxMs;
  quick.connect_max_ms = kAskMaxMs;
  quick.failures_max = kAskFailuresMax;
  quick.pause_ms = kAskPauseMs;
  quick.pause_max_ms = kAskPauseMaxMs;
  auto ask = search::Embeddings::create(std::move(quick));
  if (!ask.ok()) return ask.error();
  routing::VectorSource source;
  source.identity = (*learn)->identity();
  source.model = options->model;
  source.learn = embedBy(std::move(*learn));
  source.ask = embedBy(std::move(*ask));
  source.is_texts_fault = search::isTextsFault;
  return std::optional(std::move(source));
}

}  // namespace tutti::cli
