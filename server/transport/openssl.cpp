#include "server/transport/openssl.hpp"

#include <dlfcn.h>

#include <string>

namespace tutti::transport {
namespace {

Error unavailable(const char* why) {
  return Error(Code::FailedPrecondition,
               std::string("TLS needs OpenSSL 3, which cannot be loaded: ") +
                   (why == nullptr ? "unknown reason" : why),
               "install it (apt install libssl3)")
      .named("tls_unavailable");
}

/// The first function that the library lacks, or nullptr.
const char* bind(void* library, OpenSsl& table) {
  const auto find = [library](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(::dlsym(library, name));
    return function != nullptr;
  };
#define TUTTI_BIND(function) \
  if (!find(#function, table.function)) return #function;
  TUTTI_OPENSSL_FUNCTIONS(TUTTI_BIND)
#undef TUTTI_BIND
  return nullptr;
}

}  // namespace

Result<OpenSsl> OpenSsl::load() {
  // Never closed: OpenSSL cleans up when the process ends.
  void* library = ::dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return unavailable(::dlerror());
  OpenSsl table;
  if (const char* missing = bind(library, table)) return unavailable(missing);
  return table;
}

}  // namespace tutti::transport
