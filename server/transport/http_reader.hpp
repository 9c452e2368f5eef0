// One HTTP/1.1 request out of bytes. Beast's parser does the grammar; this class keeps what
// matters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "server/mcp/http/message.hpp"
#include "server/transport/http_service.hpp"

namespace tutti::transport {

class HttpRoutes;

struct ReaderLimits {
  std::size_t header_bytes_max = 32U * 1024;
  std::size_t body_bytes_max = 16U * 1024 * 1024;
};

class HttpReader {
 public:
  /// Head comes once, and only for requests that a service answers; the body follows by body().
  enum class State { NeedMore, Head, Complete, Failed };
  struct Step {
    State state = State::NeedMore;
    std::size_t consumed = 0;
  };

  /// With `routes`, which outlives this, body_bytes_max does not hold for what is a service's.
  explicit HttpReader(const ReaderLimits& limits, const HttpRoutes* routes = nullptr);
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  /// Takes bytes of the current request. What is not consumed must be passed again, with more
  /// behind.
  Step consume(std::string_view bytes);
  /// Gets ready for the next request. Also before the first.
  void reset();

  /// Has anything of the current request been seen?
  bool started() const;
  /// True once per request that waits for "100 Continue" before it sends its body.
  bool takeExpectsContinue();

  // After Head or Complete. The views live until reset().
  const mcp::http::HttpRequest& request() const;
  bool keepAlive() const;
  bool http11() const;

  // After Head.
  HttpService* service() const;  ///< null: the request is no service's
  std::vector<HttpField> fields() const;
  /// Nothing: the body comes in chunks.
  std::optional<std::uint64_t> contentLength() const;
  /// What has come of the body since dropBody(); lives until consume() or dropBody().
  std::string_view body() const;
  void dropBody();

  // After Failed: the status to answer with, and a sentence.
  int errorStatus() const;
  std::string_view errorText() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::transport
