// Bytes as a stream would bring them, split into messages by what the transports use.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "server/transport/line_splitter.hpp"

namespace tutti::fuzz {

/// Hands `bytes` to a splitter, `block` at a time: each line goes to `take`, each that is longer
/// than `line_bytes_max` is told to `takeOversized`.
template <class Take, class TakeOversized>
void readLines(std::string_view bytes, std::size_t block, std::size_t line_bytes_max, Take take,
               TakeOversized takeOversized) {
  transport::LineSplitter lines(line_bytes_max);
  bool ended = false;
  while (!ended) {
    ended = bytes.empty();
    const auto room = lines.room();
    const std::size_t size = std::min({room.size(), bytes.size(), block});
    std::memcpy(room.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    lines.received(size);
    if (ended) lines.finish();
    for (auto item = lines.next(); item.kind != transport::LineSplitter::Kind::None;
         item = lines.next()) {
      if (item.kind == transport::LineSplitter::Kind::Line)
        take(item.text);
      else
        takeOversized();
    }
  }
}

}  // namespace tutti::fuzz
