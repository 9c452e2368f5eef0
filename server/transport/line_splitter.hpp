// Lines out of blocks, without copying the ones that arrive whole.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace tutti::transport {

/// Holds at most one unfinished line. A line above `line_bytes_max` is skipped up to its newline
/// and reported once, so that the messages after it are read as usual.
class LineSplitter {
 public:
  enum class Kind { Line, Oversized, None };
  struct Item {
    Kind kind = Kind::None;
    std::string_view text;  ///< of a Line, without newline or CR; valid until room()
  };

  explicit LineSplitter(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  /// Space for the next block; fill its start and call received().
  std::span<char> room();
  void received(std::size_t size) { end_ += size; }
  /// No more will come: what is left counts as a line.
  void finish() { finished_ = true; }

  /// The next line. Empty lines are left out.
  Item next();

 private:
  Item take(std::size_t line_end, std::size_t next_begin);

  const std::size_t line_bytes_max_;
  std::vector<char> bytes_;
  std::size_t begin_ = 0;    // of the unfinished line
  std::size_t scanned_ = 0;  // no newline before this
  std::size_t end_ = 0;
  bool skipping_ = false;  // inside an oversized line
  bool finished_ = false;
};

}  // namespace tutti::transport
