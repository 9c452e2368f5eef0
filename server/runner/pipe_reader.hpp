// Reading what an agent prints: a pipe as blocks, blocks as lines.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/base/fd.hpp"
#include "server/runner/loop.hpp"

namespace tutti::runner {

/// Reads a non-blocking pipe until its end. Destroying it, even from its own callbacks, is safe.
class PipeReader {
 public:
  using Data = std::function<void(std::string_view block)>;
  using End = std::function<void()>;

  PipeReader(Loop& loop, Fd pipe, Data data, End end);
  ~PipeReader();
  /// Reads what the pipe holds now, for when its writer has gone but the pipe is still held open.
  void drain();
  bool ended() const { return ended_; }

 private:
  bool readBlock();

  Fd pipe_;
  Data data_;
  End end_;
  bool ended_ = false;
  std::shared_ptr<bool> alive_;
  std::unique_ptr<Loop::Watch> watch_;  // last: ends before the pipe is closed
};

/// Cuts blocks into lines. A line above the limit is skipped and reported once, with its length.
class LineSplitter {
 public:
  using Line = std::function<void(std::string_view line)>;
  using TooLong = std::function<void(std::size_t bytes)>;

  LineSplitter(std::size_t line_bytes_max, Line line, TooLong too_long);
  void feed(std::string_view block);
  /// The stream is over: a last line without a line end counts too.
  void finish();

 private:
  void endLine(std::string_view tail);

  const std::size_t line_bytes_max_;
  const Line line_;
  const TooLong too_long_;
  std::string pending_;
  std::size_t skipped_ = 0;  ///< bytes of the present line, once it is too long
};

}  // namespace tutti::runner
