#include "server/transport/http_head.hpp"

#include <charconv>
#include <ctime>

namespace tutti::transport {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

template <class Number>
void appendNumber(std::string& to, Number number, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
  to.append(digits, static_cast<std::size_t>(end - digits));
}

/// "Date: …" of this second; the text is made once a second. I/O thread only.
std::string_view dateLine() {
  static std::time_t made_at = 0;
  static char line[64];
  static std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    size = std::strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    made_at = now;
  }
  return {line, size};
}

}  // namespace

void appendHead(std::string& to, const Head& head) {
  if (head.status == 200) {
    to += "HTTP/1.1 200 OK\r\n";
  } else {
    to += "HTTP/1.1 ";
    appendNumber(to, head.status);
    to.append(" ").append(reason(head.status)).append("\r\n");
  }
  to += dateLine();
  if (!head.content_type.empty())
    to.append("Content-Type: ").append(head.content_type).append("\r\n");
  if (head.content_length) {
    to += "Content-Length: ";
    appendNumber(to, *head.content_length);
    to += "\r\n";
  }
  if (head.chunked) to += "Transfer-Encoding: chunked\r\n";
  if (head.close) to += "Connection: close\r\n";
  if (!head.origin.empty())
    to.append("Access-Control-Allow-Origin: ")
        .append(head.origin)
        .append("\r\nAccess-Control-Expose-Headers: Mcp-Session-Id\r\nVary: Origin\r\n");
  to.append(head.extra_headers).append("\r\n");
}

void appendChunk(std::string& to, std::string_view data) {
  appendNumber(to, data.size(), 16);
  to.append("\r\n").append(data).append("\r\n");
}

void appendLastChunk(std::string& to) {
  to += "0\r\n\r\n";
}

std::string eventText(const mcp::http::ServerEvent& event) {
  std::string text;
  text.reserve(event.data.size() + event.id.size() + 48);
  if (!event.id.empty()) text.append("id: ").append(event.id).append("\n");
  if (event.retry_ms > 0)
    text.append("retry: ").append(std::to_string(event.retry_ms)).append("\n");
  if (!event.data.empty()) text.append("event: ").append(event.name).append("\n");
  text.append("data: ").append(event.data).append("\n\n");
  return text;
}

}  // namespace tutti::transport
