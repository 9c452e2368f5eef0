// How far a transfer is, for people at a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tutti::cli {

/// What standard output is during a transfer.
enum class Stdout { Free, Content };

/// A line on a terminal's stderr that is drawn over and over; nothing elsewhere, on a dumb
/// terminal, or while content goes to a terminal or into a program, which may write on the same
/// one. Never wider than the terminal; without colours. `total` below 0: not known.
class TransferBar {
 public:
  TransferBar(std::string name, std::int64_t total, Stdout out = Stdout::Free);
  ~TransferBar();  ///< leaves its last state and a new line
  TransferBar(const TransferBar&) = delete;
  TransferBar& operator=(const TransferBar&) = delete;
  void at(std::int64_t bytes);

 private:
  void draw(std::chrono::steady_clock::time_point now);

  std::string name_;
  std::int64_t total_;
  std::int64_t bytes_ = 0;
  bool shown_ = false;
  bool terminal_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace tutti::cli
