// A blocking HTTP client that shows everything: raw bytes out, parsed answers in.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/base/fd.hpp"

namespace tutti::fixture {

struct Answer {
  int status = 0;  ///< 0: the connection ended instead
  std::string head;
  std::string body;

  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  /// To a Unix socket.
  explicit HttpClient(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  /// False when the server did not take it all.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  void finishSending() const { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_.reset(); }

  /// Bytes up to and with `end`; less if the connection ends before.
  std::string readUntil(std::string_view end) {
    for (;;) {
      const auto at = pending_.find(end);
      if (at != std::string::npos) return take(at + end.size());
      if (!more()) return take(pending_.size());
    }
  }
  std::string read(std::size_t size) {
    while (pending_.size() < size && more()) {
    }
    return take(std::min(size, pending_.size()));
  }
  std::string readAll() {
    while (more()) {
    }
    return take(pending_.size());
  }

  /// One answer, its body by length or by chunks.
  Answer answer() {
    Answer result;
    result.head = readUntil("\r\n\r\n");
    if (result.head.size() < 12) return result;
    result.status = std::atoi(result.head.c_str() + 9);
    const auto length = result.head.find("Content-Length: ");
    if (length != std::string::npos)
      result.body = read(std::strtoul(result.head.c_str() + length + 16, nullptr, 10));
    else if (result.has("chunked"))
      result.body = chunks();
    return result;
  }
  /// The data of the next event of a chunked stream; "" at its end.
  std::string event() {
    const std::string piece = chunk();
    return hasData(piece) ? dataOf(piece) : piece;
  }
  /// The next event that has data, past comments and those that only carry an id; "" at the end.
  std::string message() {
    for (;;) {
      const std::string piece = chunk();
      if (piece.empty()) return piece;
      if (hasData(piece) && !dataOf(piece).empty()) return dataOf(piece);
    }
  }
  bool ended() { return pending_.empty() && !more(); }
  int socket() const { return socket_.get(); }

 private:
  void connect(const sockaddr* address, socklen_t size) const {
    const timeval limit{60, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(socket_.get(), address, size), 0);
  }
  static bool hasData(const std::string& piece) {
    return piece.find("data: ") != std::string::npos;
  }
  static std::string dataOf(const std::string& piece) {
    const auto data = piece.find("data: ");
    return piece.substr(data + 6, piece.size() - data - 8);
  }
  std::string chunk() {
    const std::string line = readUntil("\r\n");
    const std::size_t size = std::strtoul(line.c_str(), nullptr, 16);
    std::string data = read(size);
    readUntil("\r\n");
    return data;
  }
  std::string chunks() {
    std::string all;
    for (;;) {
      const std::string data = chunk();
      if (data.empty()) return all;
      all += data;
    }
  }
  std::string take(std::size_t size) {
    std::string taken = pending_.substr(0, size);
    pending_.erase(0, size);
    return taken;
  }
  bool more() {
    char block[65536];
    ssize_t size = 0;
    do size = ::recv(socket_.get(), block, sizeof block, 0);
    while (size < 0 && errno == EINTR);  // stopped and continued: with a limit, recv() gives up
    if (size <= 0) return false;
    pending_.append(block, static_cast<std::size_t>(size));
    return true;
  }

  Fd socket_;
  std::string pending_;
};

}  // namespace tutti::fixture
