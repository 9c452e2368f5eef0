#include "server/toolhost/naming.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace tutti::toolhost {
namespace {

constexpr std::string_view kSeparator = "__";
constexpr std::size_t kDigestLength = 8;

std::string clean(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alnum && c != '_' && c != '.' && c != '-') c = '_';
  }
  return out;
}

/// FNV-1a: the same on every machine and in every version, which std::hash is not.
std::string digest(std::string_view text, unsigned round) {
  std::uint32_t hash = 2166136261U + round;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  std::array<char, kDigestLength + 1> hex{};
  std::snprintf(hex.data(), hex.size(), "%08x", static_cast<unsigned>(hash));
  return hex.data();
}

}  // namespace

std::string mountedName(std::string_view server, std::string_view tool,
                        std::set<std::string>& taken) {
  const std::string plain = clean(server) + std::string(kSeparator) + clean(tool);
  if (plain.size() <= kToolNameMax && taken.insert(plain).second) return plain;
  const std::string both = std::string(server) + '\0' + std::string(tool);
  const std::string head = plain.substr(0, kToolNameMax - kDigestLength - 1);
  for (unsigned round = 0;; ++round) {
    std::string name = head + "_" + digest(both, round);
    if (taken.insert(name).second) return name;
  }
}

}  // namespace tutti::toolhost
