#include "server/transport/line_splitter.hpp"

#include <algorithm>
#include <cstring>

namespace tutti::transport {
namespace {
constexpr std::size_t kGrowthBytes = 64U * 1024;
constexpr std::size_t kBlockKeptMax = 1024U * 1024;
}  // namespace

std::span<char> LineSplitter::room() {
  if (begin_ == end_) {
    begin_ = scanned_ = end_ = 0;
    if (bytes_.size() > kBlockKeptMax) bytes_ = {};
  } else if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() < end_ + kGrowthBytes)
    bytes_.resize(std::max(end_ + kGrowthBytes, bytes_.size() + bytes_.size() / 2));
  return {bytes_.data() + end_, bytes_.size() - end_};
}

LineSplitter::Item LineSplitter::take(std::size_t line_end, std::size_t next_begin) {
  std::string_view line(bytes_.data() + begin_, line_end - begin_);
  begin_ = scanned_ = next_begin;
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const bool oversized = skipping_ || line.size() > line_bytes_max_;
  skipping_ = false;
  if (oversized) return {Kind::Oversized, {}};
  return {Kind::Line, line};
}

LineSplitter::Item LineSplitter::next() {
  while (begin_ < end_ || (finished_ && skipping_)) {
    const void* found =
        scanned_ < end_ ? std::memchr(bytes_.data() + scanned_, '\n', end_ - scanned_) : nullptr;
    if (found != nullptr) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes_.data());
      const Item item = take(at, at + 1);
      if (item.kind == Kind::Line && item.text.empty()) continue;
      return item;
    }
    scanned_ = end_;
    if (finished_) {
      const Item item = take(end_, end_);
      if (item.kind == Kind::Line && item.text.empty()) continue;
      return item;
    }
    if (skipping_ || end_ - begin_ > line_bytes_max_ + 1) {  // + 1: the CR does not count
      skipping_ = true;
      begin_ = scanned_ = end_ = 0;
    }
    break;
  }
  return {};
}

}  // namespace tutti::transport
