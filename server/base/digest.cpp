#include "server/base/digest.hpp"

#include <sodium.h>

#include <array>
#include <cstdint>
#include <stdexcept>

namespace tutti {
namespace {

/// Before the first use, and not at the start of the program: most of them never need it.
void ready() {
  static const int state = sodium_init();
  if (state < 0) throw std::runtime_error("libsodium cannot be initialised");
}

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

template <std::size_t kSize>
std::string textOf(const std::array<unsigned char, kSize>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string encoded(std::string_view data, int variant) {
  ready();
  std::string text(sodium_base64_encoded_len(data.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytesOf(data), data.size(), variant);
  text.pop_back();  // the NUL that ends it
  return text;
}

std::optional<std::string> decoded(std::string_view text, int variant) {
  ready();
  std::string data(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(data.data()), data.size(),
                                       text.data(), text.size(), nullptr, &size, &end, variant);
  if (failed != 0 || end != text.data() + text.size()) return std::nullopt;
  data.resize(size);
  return data;
}

}  // namespace

std::string sha256(std::string_view data) {
  ready();
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), bytesOf(data), data.size());
  return textOf(digest);
}

std::string hmacSha256(std::string_view key, std::string_view data) {
  ready();
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytesOf(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytesOf(data), data.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> code{};
  crypto_auth_hmacsha256_final(&state, code.data());
  return textOf(code);
}

bool sameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64Url(std::string_view data) {
  return encoded(data, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::optional<std::string> fromBase64Url(std::string_view text) {
  return decoded(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

std::string base64(std::string_view data) {
  return encoded(data, sodium_base64_VARIANT_ORIGINAL);
}

std::optional<std::string> fromBase64(std::string_view text) {
  return decoded(text, sodium_base64_VARIANT_ORIGINAL);
}

std::string randomBytes(std::size_t size) {
  ready();
  std::string bytes(size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

}  // namespace tutti
