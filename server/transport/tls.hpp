// TLS as a filter between bytes: no socket, no waiting. OpenSSL stays in tls.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::transport {

/// One side of one TLS connection. Runs on the I/O thread only.
class TlsSession {
 public:
  virtual ~TlsSession() = default;
  /// Bytes from the network.
  virtual void received(std::string_view sealed) = 0;
  /// Moves what the other side has sent into `to`. 0: nothing more for now.
  virtual std::size_t read(std::span<char> to) = 0;
  /// Appends to `wire` what has to be sent: the handshake's messages, and `plain` sealed. Returns
  /// how much of `plain` was taken: nothing before the handshake is over.
  virtual std::size_t seal(std::string_view plain, std::string& wire) = 0;
  /// Says goodbye with the next seal(). True the first time.
  virtual bool close() = 0;

  /// Is the handshake over?
  virtual bool established() const = 0;
  /// The other side has said goodbye: read() what is left, then nothing more comes.
  virtual bool ended() const = 0;
  /// The handshake failed, or what came was no TLS. seal() has the alert.
  virtual bool failed() const = 0;
  /// Why it failed; for people. Empty while it has not.
  virtual std::string problem() const = 0;
};

/// A certificate with its key, for any number of sessions.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  /// TLS 1.2 or newer, speaking HTTP/1.1. `certificate` is a chain, both are PEM files. Errors:
  /// InvalidArgument "tls_certificate" or "tls_key" naming the file and what is wrong with it,
  /// those of OpenSsl::load().
  static Result<std::unique_ptr<TlsContext>> load(const std::string& certificate,
                                                  const std::string& key);
  virtual std::unique_ptr<TlsSession> accept() = 0;
};

/// What a client trusts, for any number of sessions.
class TlsClientContext {
 public:
  virtual ~TlsClientContext() = default;
  /// TLS 1.2 or newer, speaking HTTP/1.1. Trusts what the system trusts ($SSL_CERT_FILE and
  /// $SSL_CERT_DIR count), or the PEM certificates of `ca_file` and nothing else. Errors:
  /// InvalidArgument "tls_ca" naming the file, those of OpenSsl::load().
  static Result<std::shared_ptr<TlsClientContext>> load(const std::string& ca_file);
  /// Begins; seal() has the first message. Only a server whose certificate is valid for `host`, a
  /// name or an IP address, is talked to; a name is told to it (SNI).
  virtual std::unique_ptr<TlsSession> connect(const std::string& host) = 0;
};

}  // namespace tutti::transport
