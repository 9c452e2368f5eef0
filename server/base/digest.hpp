// SHA-256, HMAC and base64 in both alphabets, over bytes held in strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tutti {

/// 32 bytes. Thread-safe, as all of this file.
std::string sha256(std::string_view data);
/// 32 bytes.
std::string hmacSha256(std::string_view key, std::string_view data);
/// Takes as long for equal texts as for different ones of the same length.
bool sameSecret(std::string_view a, std::string_view b);

/// Without padding.
std::string base64Url(std::string_view data);
/// Nothing for a text that base64Url() would not have made: other characters, padding, an
/// impossible length or bits left over.
std::optional<std::string> fromBase64Url(std::string_view text);
/// RFC 4648, section 4: with padding.
std::string base64(std::string_view data);
/// Nothing for a text that base64() would not have made.
std::optional<std::string> fromBase64(std::string_view text);

/// `size` bytes that nobody can guess.
std::string randomBytes(std::size_t size);

}  // namespace tutti
