// Vectors of texts, from a server of the user's choice.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "server/base/result.hpp"

namespace tutti::search {

/// Of length 1.
using Vector = std::vector<float>;

enum class EmbeddingsWire {
  OpenAi,  ///< POST {url}/v1/embeddings (or {url}/embeddings when the url ends with /v1)
  Ollama,  ///< POST {url}/api/embed
};

struct EmbeddingsOptions {
  std::string url;
  EmbeddingsWire wire = EmbeddingsWire::OpenAi;
  std::string model;
  std::string key_environment;  ///< the variable that holds the key; "" for none
  std::string ca_file;          ///< PEM, for https; "": what the system trusts
  std::int64_t dimensions = 0;  ///< asked for and demanded; 0: what the model gives
  std::size_t batch_max = 32;   ///< texts in one request
  std::size_t answer_bytes_max = 32U * 1024 * 1024;
  std::int64_t connect_max_ms = 5'000;
  std::size_t idle_max = 4;             ///< connections that are kept for the next request
  std::int64_t answer_max_ms = 60'000;  ///< from the request to the end of its answer
  std::int64_t query_max_ms = 5'000;    ///< the same for a search, which somebody waits for
  int failures_max = 3;                 ///< in a row, then no request until the pause is over
  std::int64_t pause_ms = 1'000;        ///< doubled with each further failure
  std::int64_t pause_max_ms = 300'000;
};

/// A client of one embeddings server. Requests block their caller; those at the same time have
/// connections of their own, which are used again for a few seconds. One that turns out to be
/// closed then is no failure: the request is made again. After `failures_max` failures in a row the
/// circuit is open: calls fail at once until the pause is over, then one is let through.
///
/// Thread-safe.
class Embeddings {
 public:
  using NowMs = std::function<std::int64_t()>;  ///< of a clock that only goes forward

  /// Errors: InvalidArgument "invalid_embeddings" (what is missing or out of range), those of the
  /// HTTP client's addresses; FailedPrecondition "embeddings_key_missing" when the variable is not
  /// set; those of TlsClientContext::load() when a `ca_file` is given.
  static Result<std::unique_ptr<Embeddings>> create(EmbeddingsOptions options, NowMs now_ms = {});
  ~Embeddings();

  /// One vector a text, in their order. Errors, all named and none with the key or a text in it:
  /// Unavailable "embeddings_unreachable" (also 429 and 5xx), "embeddings_paused" (the circuit is
  /// open; says how long); DeadlineExceeded "embeddings_time"; FailedPrecondition
  /// "embeddings_refused" (401, 403, 404); InvalidArgument "embeddings_rejected" (other 4xx: these
  /// texts will not do); Internal "embeddings_invalid" (not the JSON that was agreed),
  /// "embeddings_count", "embeddings_dimension", "embeddings_not_finite", "embeddings_zero";
  /// ResourceExhausted "embeddings_answer_too_large"; Cancelled; under TLS, those of
  /// TlsClientContext::load(), and "embeddings_unreachable" for a certificate that is not trusted.
  /// `max_ms` is for each request; 0: answer_max_ms.
  Result<std::vector<Vector>> embed(std::span<const std::string> texts, std::stop_token stop = {},
                                    std::int64_t max_ms = 0);

  /// The same whenever the vectors of two clients may be compared.
  std::string identity() const;
  const EmbeddingsOptions& options() const;
  /// How long the circuit stays open; 0 when it is closed.
  std::int64_t pausedForMs() const;

 private:
  struct Impl;
  explicit Embeddings(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Errors that may be those of a text, not the server's: it will not have it, or its model has no
/// direction for it (overflows, knows none of its words). Others may still get their vectors.
bool isTextsFault(const Error& error);

}  // namespace tutti::search
