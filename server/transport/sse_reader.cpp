#include "server/transport/sse_reader.hpp"

#include <charconv>
#include <utility>

namespace tutti::transport {

bool SseReader::read(std::string_view bytes) {
  while (!bytes.empty()) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') bytes.remove_prefix(1);
    const std::size_t end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end));
    if (line_.size() + event_.name.size() + event_.data.size() > event_bytes_max_) return false;
    if (end == bytes.npos) return true;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    endLine();
  }
  return true;
}

void SseReader::endLine() {
  std::string line = std::exchange(line_, {});
  if (std::exchange(first_line_, false) && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (!line.empty()) {
    const std::size_t colon = line.find(':');
    if (colon == 0) return;  // a comment keeps the stream alive
    std::string_view value;
    if (colon != line.npos) value = std::string_view(line).substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    return field(std::string_view(line).substr(0, colon), value);
  }
  SseEvent event = std::exchange(event_, {});
  const bool wanted = std::exchange(has_data_, false) || event.id;
  if (wanted) take_(std::move(event));
}

void SseReader::field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data.append(value);
  } else if (name == "event") {
    event_.name = std::string(value);
  } else if (name == "id") {
    if (value.find('\0') == value.npos) event_.id = std::string(value);
  } else if (name == "retry") {
    std::int64_t ms = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (read.ec == std::errc{} && read.ptr == value.data() + value.size() && ms >= 0)
      retry_ms_ = ms;
  }
}

}  // namespace tutti::transport
