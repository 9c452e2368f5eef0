// The functions of OpenSSL 3 that TLS needs, found at run time.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "server/base/result.hpp"

namespace tutti::transport {

/// Linked in, OpenSSL would cost every process of tutti over a megabyte and a third of its start,
/// and few of them ever speak TLS. So the system's library is loaded when a certificate is given,
/// and its fixes come with the system's updates.
///
/// Each member is called like the function whose name it has.
struct OpenSsl {
  /// Errors: FailedPrecondition "tls_unavailable" when the system has no OpenSSL 3. The library
  /// stays loaded as long as the process lives.
  static Result<OpenSsl> load();

#define TUTTI_OPENSSL_FUNCTIONS(apply)                                                             \
  apply(BIO_new) apply(BIO_read) apply(BIO_s_mem) apply(BIO_write) apply(ERR_clear_error) apply(   \
      ERR_peek_last_error) apply(ERR_reason_error_string) apply(SSL_CTX_ctrl) apply(SSL_CTX_free)  \
      apply(SSL_CTX_new) apply(SSL_CTX_set_alpn_select_cb) apply(SSL_CTX_set_options)              \
          apply(SSL_CTX_use_PrivateKey_file) apply(SSL_CTX_use_certificate_chain_file) apply(      \
              SSL_do_handshake) apply(SSL_free) apply(SSL_get_error) apply(SSL_is_init_finished)   \
              apply(SSL_new) apply(SSL_read) apply(SSL_set_accept_state) apply(SSL_set_bio)        \
                  apply(SSL_shutdown) apply(SSL_write) apply(TLS_server_method)                    \
                      apply(SSL_CTX_load_verify_locations) apply(SSL_CTX_set_default_verify_paths) \
                          apply(SSL_CTX_set_verify) apply(SSL_ctrl) apply(SSL_get0_param)          \
                              apply(SSL_get_verify_result) apply(SSL_set_alpn_protos)              \
                                  apply(SSL_set_connect_state) apply(TLS_client_method)            \
                                      apply(X509_VERIFY_PARAM_set1_host)                           \
                                          apply(X509_VERIFY_PARAM_set1_ip_asc)                     \
                                              apply(X509_verify_cert_error_string)

#define TUTTI_DECLARE(function) decltype(&::function) function = nullptr;
  TUTTI_OPENSSL_FUNCTIONS(TUTTI_DECLARE)
#undef TUTTI_DECLARE
};

}  // namespace tutti::transport
