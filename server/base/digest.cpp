#include "server/base/digest.hpp"

// The plain functions of SHA-256, not EVP: those bring every algorithm and provider into the
// program, whose relocations cost each start a millisecond and a megabyte.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace tutti {
namespace {

constexpr std::size_t kDigestBytes = 32;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::size_t kBlockBytes = 64;

/// The digest of `first` and `second` together.
std::string digestOf(std::string_view first, std::string_view second) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, first.data(), first.size());
  SHA256_Update(&context, second.data(), second.size());
  std::array<unsigned char, kDigestBytes> digest{};
  SHA256_Final(digest.data(), &context);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string keyBlock(std::string_view key, char pad) {
  std::string block(key);
  block.resize(kBlockBytes, '\0');
  for (char& byte : block) byte = static_cast<char>(byte ^ pad);
  return block;
}

}  // namespace

std::string sha256(std::string_view data) {
  return digestOf(data, {});
}

/// RFC 2104.
std::string hmacSha256(std::string_view key, std::string_view data) {
  const std::string shortened = key.size() > kBlockBytes ? sha256(key) : std::string(key);
  const std::string inner = digestOf(keyBlock(shortened, 0x36), data);
  return digestOf(keyBlock(shortened, 0x5c), inner);
}

bool equalInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64Url(std::string_view data) {
  std::string text;
  text.reserve((data.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char byte : data) {
    bits = (bits << 8) | static_cast<unsigned char>(byte);
    for (held += 8; held >= 6; held -= 6) text += kAlphabet[(bits >> (held - 6)) & 63];
  }
  if (held > 0) text += kAlphabet[(bits << (6 - held)) & 63];
  return text;
}

std::optional<std::string> fromBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string data;
  data.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char letter : text) {
    const auto value = kAlphabet.find(letter);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    data += static_cast<char>((bits >> held) & 255);
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return data;
}

std::string randomBytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = getrandom(bytes.data() + done, size - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace tutti
