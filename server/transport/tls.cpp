#include "server/transport/tls.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "server/transport/openssl.hpp"

namespace tutti::transport {
namespace {

int bounded(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

/// The newest reason OpenSSL has, in its words; empties its queue.
std::string reason(const OpenSsl& api) {
  const unsigned long code = api.ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : api.ERR_reason_error_string(code);
  api.ERR_clear_error();
  return text == nullptr ? "unknown reason" : text;
}

class Session final : public TlsSession {
 public:
  /// The server's side.
  Session(std::shared_ptr<const OpenSsl> api, SSL_CTX* context)
      : Session(Prepared{}, std::move(api), context) {
    api_.SSL_set_accept_state(ssl_);
  }
  /// The client's.
  Session(std::shared_ptr<const OpenSsl> api, SSL_CTX* context, const std::string& host)
      : Session(Prepared{}, std::move(api), context) {
    static constexpr unsigned char kProtocols[] = "\x08http/1.1";
    api_.SSL_set_connect_state(ssl_);
    api_.SSL_set_alpn_protos(ssl_, kProtocols, sizeof kProtocols - 1);
    X509_VERIFY_PARAM* wanted = api_.SSL_get0_param(ssl_);
    const bool is_address = api_.X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
    // In vain both ways: nobody is then who we want to talk to.
    failed_ =
        !is_address && api_.X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size()) != 1;
    std::string name = host;
    if (!is_address)
      api_.SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    api_.ERR_clear_error();
    if (!failed_) note(api_.SSL_do_handshake(ssl_));
  }
  ~Session() override { api_.SSL_free(ssl_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  struct Prepared {};
  Session(Prepared, std::shared_ptr<const OpenSsl> api, SSL_CTX* context)
      : functions_(std::move(api)),
        ssl_(api_.SSL_new(context)),
        in_(api_.BIO_new(api_.BIO_s_mem())),
        out_(api_.BIO_new(api_.BIO_s_mem())) {
    api_.SSL_set_bio(ssl_, in_, out_);
  }

 public:
  void received(std::string_view sealed) override {
    api_.BIO_write(in_, sealed.data(), bounded(sealed.size()));
    if (!established()) note(api_.SSL_do_handshake(ssl_));
  }

  std::size_t read(std::span<char> to) override {
    if (failed_ || ended_) return 0;
    const int size = api_.SSL_read(ssl_, to.data(), bounded(to.size()));
    note(size);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }

  std::size_t seal(std::string_view plain, std::string& wire) override {
    std::size_t taken = 0;
    if (!plain.empty() && !failed_ && established()) {
      // Into memory it always fits.
      const int size = api_.SSL_write(ssl_, plain.data(), bounded(plain.size()));
      note(size);
      if (size > 0) taken = static_cast<std::size_t>(size);
    }
    drain(wire);
    return taken;
  }

  bool close() override {
    if (closed_ || failed_ || !established()) return false;
    closed_ = true;
    api_.SSL_shutdown(ssl_);
    api_.ERR_clear_error();
    return true;
  }

  bool established() const override { return api_.SSL_is_init_finished(ssl_) == 1; }
  bool ended() const override { return ended_; }
  bool failed() const override { return failed_; }
  std::string problem() const override { return problem_; }

 private:
  void note(int result) {
    if (result > 0) return;
    const int error = api_.SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_ZERO_RETURN) ended_ = true;
    if (error != SSL_ERROR_SSL && error != SSL_ERROR_SYSCALL) return api_.ERR_clear_error();
    failed_ = true;
    const long refused = api_.SSL_get_verify_result(ssl_);
    problem_ = refused == X509_V_OK ? reason(api_)
                                    : std::string("its certificate is not accepted: ") +
                                          api_.X509_verify_cert_error_string(refused);
    api_.ERR_clear_error();
  }

  void drain(std::string& wire) {
    std::array<char, 16U * 1024> block;
    for (;;) {
      const int size = api_.BIO_read(out_, block.data(), bounded(block.size()));
      if (size <= 0) return;
      wire.append(block.data(), static_cast<std::size_t>(size));
    }
  }

  // A connection may end after the server that accepted it.
  const std::shared_ptr<const OpenSsl> functions_;
  const OpenSsl& api_ = *functions_;
  SSL* const ssl_;  // owns both ends
  BIO* const in_;
  BIO* const out_;
  std::string problem_;
  bool closed_ = false;
  bool ended_ = false;
  bool failed_ = false;
};

/// Clients that offer protocols are told HTTP/1.1; with any other list there is no common one.
int chooseProtocol(SSL*, const unsigned char** chosen, unsigned char* size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr std::string_view kHttp = "http/1.1";
  const std::string_view all(reinterpret_cast<const char*>(offered), offered_size);
  for (std::size_t at = 0; at < all.size(); at += 1U + offered[at]) {
    if (all.substr(at + 1, offered[at]) != kHttp) continue;
    *chosen = offered + at + 1;
    *size = static_cast<unsigned char>(kHttp.size());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

class Context final : public TlsContext {
 public:
  explicit Context(std::shared_ptr<const OpenSsl> api)
      : functions_(std::move(api)), context_(api_.SSL_CTX_new(api_.TLS_server_method())) {
    api_.SSL_CTX_ctrl(context_, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
    // Idle connections are the rule: they give their buffers back.
    api_.SSL_CTX_ctrl(context_, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, nullptr);
    api_.SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION);
    api_.SSL_CTX_set_alpn_select_cb(context_, chooseProtocol, nullptr);
  }
  ~Context() override { api_.SSL_CTX_free(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Status use(const std::string& certificate, const std::string& key) {
    if (api_.SSL_CTX_use_certificate_chain_file(context_, certificate.c_str()) != 1)
      return Error(Code::InvalidArgument,
                   "'" + certificate + "' is no PEM certificate that can be used: " + reason(api_),
                   "give --tls-cert a readable PEM file with the server's certificate first")
          .named("tls_certificate");
    if (api_.SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1)
      return Error(Code::InvalidArgument,
                   "'" + key + "' is no PEM key that fits the certificate: " + reason(api_),
                   "give --tls-key the readable, unencrypted PEM key of that certificate")
          .named("tls_key");
    return ok();
  }

  std::unique_ptr<TlsSession> accept() override {
    return std::make_unique<Session>(functions_, context_);
  }

 private:
  const std::shared_ptr<const OpenSsl> functions_;
  const OpenSsl& api_ = *functions_;
  SSL_CTX* const context_;
};

class ClientContext final : public TlsClientContext {
 public:
  explicit ClientContext(std::shared_ptr<const OpenSsl> api)
      : functions_(std::move(api)), context_(api_.SSL_CTX_new(api_.TLS_client_method())) {
    api_.SSL_CTX_ctrl(context_, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
    api_.SSL_CTX_ctrl(context_, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, nullptr);
    api_.SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION);
    api_.SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  }
  ~ClientContext() override { api_.SSL_CTX_free(context_); }
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  Status trust(const std::string& ca_file) {
    api_.ERR_clear_error();
    const int trusted =
        ca_file.empty() ? api_.SSL_CTX_set_default_verify_paths(context_)
                        : api_.SSL_CTX_load_verify_locations(context_, ca_file.c_str(), nullptr);
    if (trusted == 1) return ok();
    return Error(Code::InvalidArgument,
                 "'" + ca_file + "' has no PEM certificates that can be trusted: " + reason(api_),
                 "give a readable PEM file with the certificates of the authorities")
        .named("tls_ca");
  }

  std::unique_ptr<TlsSession> connect(const std::string& host) override {
    return std::make_unique<Session>(functions_, context_, host);
  }

 private:
  const std::shared_ptr<const OpenSsl> functions_;
  const OpenSsl& api_ = *functions_;
  SSL_CTX* const context_;
};

}  // namespace

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::load(const std::string& ca_file) {
  const auto api = OpenSsl::load();
  if (!api.ok()) return api.error();
  auto context = std::make_shared<ClientContext>(std::make_shared<const OpenSsl>(*api));
  if (Status trusted = context->trust(ca_file); !trusted.ok()) return std::move(trusted).error();
  return std::shared_ptr<TlsClientContext>(std::move(context));
}

Result<std::unique_ptr<TlsContext>> TlsContext::load(const std::string& certificate,
                                                     const std::string& key) {
  const auto api = OpenSsl::load();
  if (!api.ok()) return api.error();
  auto context = std::make_unique<Context>(std::make_shared<const OpenSsl>(*api));
  if (Status used = context->use(certificate, key); !used.ok()) return used.error();
  return std::unique_ptr<TlsContext>(std::move(context));
}

}  // namespace tutti::transport
