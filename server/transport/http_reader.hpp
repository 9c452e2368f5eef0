// One HTTP/1.1 request out of bytes. Beast's parser does the grammar; this class keeps what
// matters.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "server/mcp/http/message.hpp"

namespace tutti::transport {

struct ReaderLimits {
  std::size_t header_bytes_max = 32U * 1024;
  std::size_t body_bytes_max = 16U * 1024 * 1024;
};

class HttpReader {
 public:
  enum class State { NeedMore, Complete, Failed };
  struct Step {
    State state = State::NeedMore;
    std::size_t consumed = 0;
  };

  explicit HttpReader(const ReaderLimits& limits);
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

  // After Complete. The views live until reset().
  const mcp::http::HttpRequest& request() const;
  bool keepAlive() const;
  bool http11() const;

  // After Failed: the status to answer with, and a sentence.
  int errorStatus() const;
  std::string_view errorText() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tutti::transport
