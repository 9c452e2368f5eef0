// A blocking TLS client, and a certificate made for the test.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace tutti::fixture {

/// A self-signed certificate and its key, as PEM files in `folder`.
struct Certificate {
  struct About {
    std::string host = "localhost";
    long valid_from_s = 0;  // from now
    long valid_to_s = 3600;
  };
  explicit Certificate(const std::filesystem::path& folder) : Certificate(folder, About()) {}
  Certificate(const std::filesystem::path& folder, const About& about)
      : certificate(folder / "cert.pem"), key(folder / "key.pem") {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pair(EVP_EC_gen("P-256"),
                                                                   EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), about.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), about.valid_to_s);
    X509_set_pubkey(x509.get(), pair.get());
    X509_NAME* name = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(about.host.c_str()), -1, -1,
                               0);
    X509_set_issuer_name(x509.get(), name);
    X509_sign(x509.get(), pair.get(), EVP_sha256());
    write(certificate, [&](std::FILE* to) { PEM_write_X509(to, x509.get()); });
    write(key, [&](std::FILE* to) {
      PEM_write_PrivateKey(to, pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  std::filesystem::path certificate;
  std::filesystem::path key;

 private:
  template <class Body>
  static void write(const std::filesystem::path& file, const Body& body) {
    std::FILE* to = std::fopen(file.c_str(), "w");
    ASSERT_NE(to, nullptr);
    body(to);
    std::fclose(to);
  }
};

/// Seals a connected, blocking socket, which it does not own.
class TlsStream {
 public:
  explicit TlsStream(int socket, const std::string& protocols = {})
      : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
    ssl_.reset(SSL_new(context_.get()));
    if (!protocols.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
    SSL_set_fd(ssl_.get(), socket);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  const char* version() const { return SSL_get_version(ssl_.get()); }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  void finishSending() { SSL_shutdown(ssl_.get()); }
  /// Until `size` bytes are there or the server says goodbye.
  std::string read(std::size_t size) {
    std::string all;
    char block[4096];
    while (all.size() < size) {
      const std::size_t wanted = std::min(size - all.size(), sizeof block);
      errno = 0;
      const int got = SSL_read(ssl_.get(), block, static_cast<int>(wanted));
      if (got < 0 && errno == EINTR) continue;  // stopped and continued
      if (got <= 0) break;
      all.append(block, static_cast<std::size_t>(got));
    }
    return all;
  }
  /// One answer with a Content-Length.
  std::string answer() {
    std::string all;
    while (all.find("\r\n\r\n") == std::string::npos) {
      const std::string byte = read(1);
      if (byte.empty()) return all;
      all += byte;
    }
    const auto length = all.find("Content-Length: ");
    if (length != std::string::npos)
      all += read(std::strtoul(all.c_str() + length + 16, nullptr, 10));
    return all;
  }
  /// Did the server end the stream with a goodbye, and not by cutting it off?
  bool saidGoodbye() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  bool connected_ = false;
};

}  // namespace tutti::fixture
