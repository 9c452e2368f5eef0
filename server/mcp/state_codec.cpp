#include "server/mcp/state_codec.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "server/base/digest.hpp"

namespace tutti::mcp {
namespace {

constexpr std::string_view kPrefix = "v1.";
constexpr std::size_t kExpiryBytes = 8;
constexpr std::size_t kKeyBytes = 32;

std::string bigEndian(std::uint64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes += static_cast<char>((value >> static_cast<unsigned>(shift)) & 255);
  return bytes;
}

std::uint64_t fromBigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
  return value;
}

/// Each part with its length, so that no two lists of parts look alike.
std::string signedText(std::string_view body, const StateBinding& binding) {
  std::string text;
  for (const std::string_view part :
       {std::string_view(binding.method), std::string_view(binding.params_digest),
        std::string_view(binding.principal), body})
    text.append(bigEndian(part.size())).append(part);
  return text;
}

}  // namespace

StateBinding bindingOf(std::string_view method, const Json& params, const Caller& caller) {
  Json bound = params.is_object() ? params : Json::object();
  bound.erase("inputResponses");
  bound.erase("requestState");
  // Absent and empty arguments are the same call.
  const auto arguments = bound.find("arguments");
  if (arguments != bound.end() && arguments->empty()) bound.erase(arguments);
  return {std::string(method), sha256(json::dump(bound)), caller.principal()};
}

const std::vector<std::string>& StateCodec::keys() {
  if (keys_.empty()) keys_.push_back(randomBytes(kKeyBytes));
  return keys_;
}

std::string StateCodec::seal(std::string_view payload, const StateBinding& binding) {
  const std::int64_t expiry = epochMillis(clock_.now()) + valid_s_ * 1000;
  std::string body = bigEndian(static_cast<std::uint64_t>(expiry));
  body += payload;
  std::string sealed(kPrefix);
  sealed += base64Url(body);
  sealed += '.';
  sealed += base64Url(hmacSha256(keys().front(), signedText(body, binding)));
  return sealed;
}

std::optional<std::string> StateCodec::open(std::string_view sealed, const StateBinding& binding) {
  if (sealed.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  sealed.remove_prefix(kPrefix.size());
  const auto dot = sealed.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto body = fromBase64Url(sealed.substr(0, dot));
  const auto code = fromBase64Url(sealed.substr(dot + 1));
  if (!body || !code || body->size() < kExpiryBytes) return std::nullopt;

  const std::string text = signedText(*body, binding);
  bool genuine = false;
  for (const std::string& key : keys())
    genuine = sameSecret(hmacSha256(key, text), *code) || genuine;
  if (!genuine) return std::nullopt;
  const auto expiry = fromBigEndian(std::string_view(*body).substr(0, kExpiryBytes));
  if (static_cast<std::uint64_t>(epochMillis(clock_.now())) >= expiry) return std::nullopt;
  return body->substr(kExpiryBytes);
}

}  // namespace tutti::mcp
