#include "server/base/sha256.hpp"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <array>

namespace tutti {
namespace {
/// The functions of libcrypto, found when the first content is hashed; all or none are there.
struct Crypto {
  decltype(&EVP_MD_CTX_new) create = nullptr;
  decltype(&EVP_MD_CTX_free) destroy = nullptr;
  decltype(&EVP_sha256) algorithm = nullptr;
  decltype(&EVP_DigestInit_ex) begin = nullptr;
  decltype(&EVP_DigestUpdate) add = nullptr;
  decltype(&EVP_DigestFinal_ex) end = nullptr;
};

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

/// Loaded once and never closed.
const Crypto* crypto() {
  static const Crypto table = [] {
    Crypto found;
    void* library = ::dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    const bool whole = library != nullptr && find(library, "EVP_MD_CTX_new", found.create) &&
                       find(library, "EVP_MD_CTX_free", found.destroy) &&
                       find(library, "EVP_sha256", found.algorithm) &&
                       find(library, "EVP_DigestInit_ex", found.begin) &&
                       find(library, "EVP_DigestUpdate", found.add) &&
                       find(library, "EVP_DigestFinal_ex", found.end);
    return whole ? found : Crypto{};
  }();
  return table.end == nullptr ? nullptr : &table;
}

using Digest = std::array<unsigned char, 32>;

std::string hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(64);
  for (const unsigned char byte : digest) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

const unsigned char* unsignedOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
}  // namespace

struct Sha256::Impl {
  explicit Impl(const Crypto* library) : crypto(library) {
    if (crypto != nullptr) {
      context = crypto->create();
      crypto->begin(context, crypto->algorithm(), nullptr);
    } else {
      crypto_hash_sha256_init(&state);
    }
  }
  ~Impl() {
    if (context != nullptr) crypto->destroy(context);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  const Crypto* crypto;
  EVP_MD_CTX* context = nullptr;
  crypto_hash_sha256_state state{};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>(crypto())) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(std::string_view bytes) {
  if (impl_->context != nullptr)
    impl_->crypto->add(impl_->context, bytes.data(), bytes.size());
  else
    crypto_hash_sha256_update(&impl_->state, unsignedOf(bytes), bytes.size());
}

std::string Sha256::finish() {
  Digest digest{};
  if (impl_->context != nullptr)
    impl_->crypto->end(impl_->context, digest.data(), nullptr);
  else
    crypto_hash_sha256_final(&impl_->state, digest.data());
  return hex(digest);
}

std::string sha256Hex(std::string_view bytes) {
  Digest digest{};
  crypto_hash_sha256(digest.data(), unsignedOf(bytes), bytes.size());
  return hex(digest);
}

}  // namespace tutti
