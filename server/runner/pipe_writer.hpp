// Writing to an agent's stdin without ever waiting for it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/base/fd.hpp"
#include "server/runner/loop.hpp"

namespace tutti::runner {

/// Queues bytes for a non-blocking pipe. A pipe whose reader has gone swallows what it is given:
/// the reader's exit tells the story.
class PipeWriter {
 public:
  PipeWriter(Loop& loop, Fd pipe);
  ~PipeWriter();
  void write(std::string_view bytes);
  /// Closes the pipe at once, unwritten bytes included.
  void close();

 private:
  void flush();

  Fd pipe_;
  std::unique_ptr<Loop::Watch> watch_;
  std::string queued_;
  std::size_t written_ = 0;  ///< of queued_
};

}  // namespace tutti::runner
