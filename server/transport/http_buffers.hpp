// The two ends of a connection's bytes: read and not yet understood, and made and not yet sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tutti::transport {

/// Bytes read and not yet understood. Between room() and received() a read may be under way, while
/// what came before is consumed: the room stays where it is.
class InputBuffer {
 public:
  explicit InputBuffer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_ && !room_given_) begin_ = end_ = 0;
  }
  void clear() { consume(size()); }

  /// Room for the next read. Grows when the last one filled it.
  std::span<char> room() {
    room_given_ = true;
    if (begin_ == end_) begin_ = end_ = 0;
    if (begin_ > 0 && end_ == bytes_.size()) {
      std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_),
                bytes_.begin() + static_cast<std::ptrdiff_t>(end_), bytes_.begin());
      end_ -= begin_;
      begin_ = 0;
    }
    const bool filled = end_ == bytes_.size() || last_filled_;
    if (filled && (bytes_.size() < bytes_max_ || end_ == bytes_.size()))
      bytes_.resize(std::max(kReadBytesMin, bytes_.size() * 2));
    return {bytes_.data() + end_, bytes_.size() - end_};
  }
  void received(std::size_t size) {
    room_given_ = false;
    end_ += size;
    last_filled_ = end_ == bytes_.size();
  }

 private:
  static constexpr std::size_t kReadBytesMin = 4U * 1024;
  const std::size_t bytes_max_;  // of room that is made ahead of need
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool last_filled_ = false;
  bool room_given_ = false;
};

/// Bytes made and not yet sent. Append to `bytes`.
struct OutputBuffer {
  std::string bytes;
  std::size_t sent = 0;

  std::size_t unsent() const { return bytes.size() - sent; }
  std::string_view view() const { return std::string_view(bytes).substr(sent); }
  /// Forgets what is sent once it is much, or all there is.
  void tidy(std::size_t sent_max) {
    if (sent < bytes.size() && sent <= sent_max) return;
    if (sent == bytes.size() && bytes.capacity() > sent_max) bytes = std::string();
    bytes.erase(0, sent);
    sent = 0;
  }
};

}  // namespace tutti::transport
