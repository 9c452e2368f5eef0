#include "server/base/ids.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <system_error>

namespace tutti {
namespace {
void fillRandom(unsigned char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = getrandom(to + done, size - done, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    done += static_cast<std::size_t>(got);
  }
}

std::uint64_t randomNumber() {
  std::array<unsigned char, sizeof(std::uint64_t)> raw{};
  fillRandom(raw.data(), raw.size());
  return std::bit_cast<std::uint64_t>(raw);
}

/// 48 bits as hex: counted up from a place that is random for each process. The ids of a burst are
/// neighbours then, in each index of the store as well, and share its pages; and two processes
/// agree even less often than if each id were random.
std::atomic<std::uint64_t> next_number{0};

std::string nextHex() {
  // A forked process would go on from the same place, and give the ids that its parent gives.
  [[maybe_unused]] static const int begun = [] {
    next_number = randomNumber();
    return ::pthread_atfork(nullptr, nullptr, [] { next_number = randomNumber(); });
  }();
  char text[16];
  std::snprintf(text, sizeof text, "%012" PRIx64, next_number.fetch_add(1) & 0xffff'ffff'ffffU);
  return text;
}
}  // namespace

std::string randomHex(int bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, 64> raw{};
  const auto size = std::min<std::size_t>(static_cast<std::size_t>(bytes), raw.size());
  fillRandom(raw.data(), size);
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text.push_back(kDigits[raw[i] >> 4]);
    text.push_back(kDigits[raw[i] & 15]);
  }
  return text;
}

std::string newSessionId() {
  return "ses_" + nextHex();
}
std::string newRunId() {
  return "run_" + nextHex();
}
std::string newDocumentDigits() {
  static const std::string process = randomHex(6);
  return process + nextHex();
}
std::string newReplicaId() {
  return "rep_" + randomHex(8);
}

std::string newUuid() {
  std::string hex = randomHex(16);
  hex[12] = '4';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) & 3];
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, 1, '-');
  return hex;
}

bool isSafeId(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

}  // namespace tutti
