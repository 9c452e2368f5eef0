// The head of an HTTP answer, as text.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "server/mcp/http/message.hpp"

namespace tutti::transport {

/// What a head says. Views die with the call.
struct Head {
  int status = 200;
  std::string_view content_type;              ///< empty: none
  std::optional<std::size_t> content_length;  ///< absent: chunked, or until close for HTTP/1.0
  bool chunked = false;
  bool close = false;
  std::string_view origin;         ///< an allowed Origin to let read the answer
  std::string_view extra_headers;  ///< complete lines
};

void appendHead(std::string& to, const Head& head);

/// One piece of a chunked body; `last` ends it.
void appendChunk(std::string& to, std::string_view data);
void appendLastChunk(std::string& to);

/// The event as text. Its type is "message", but for one without data.
std::string eventText(const mcp::http::ServerEvent& event);

}  // namespace tutti::transport
