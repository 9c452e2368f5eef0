#include "server/runner/process_mark.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "server/base/file.hpp"

namespace tutti::runner {
namespace {

constexpr std::size_t kLimitsBytesMax = 16'384;
constexpr std::string_view kLineName = "\nMax file locks ";
constexpr int kGenerationBits = 20;
constexpr std::uint64_t kGenerationMax = (1U << kGenerationBits) - 1;
constexpr std::uint64_t kSessionMask = (std::uint64_t{1} << 42) - 1;

/// FNV-1a: the same in every build and at all times, for marks outlive the program that set them.
std::uint64_t hashOf(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return hash;
}

std::uint64_t sessionPart(std::string_view session_id) {
  const std::uint64_t hash = hashOf(session_id);
  return (hash ^ (hash >> 42)) & kSessionMask;
}

std::uint64_t generationPart(std::int64_t generation) {
  return std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(generation, 0)),
                  kGenerationMax);
}

/// The soft limit, or 0 for a process without one or out of sight.
std::uint64_t limitOf(int pid) {
  const Result<std::string> limits =
      readFile("/proc/" + std::to_string(pid) + "/limits", kLimitsBytesMax);
  if (!limits.ok()) return 0;
  const std::size_t line = limits->find(kLineName);
  if (line == std::string::npos) return 0;
  const std::size_t digits = limits->find_first_not_of(' ', line + kLineName.size());
  if (digits == std::string::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(limits->data() + digits, limits->data() + limits->size(), value);
  return value;
}

}  // namespace

void markProcesses(std::string_view session_id, std::int64_t generation) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_LOCKS, &limit) != 0) return;
  limit.rlim_cur = sessionPart(session_id) << kGenerationBits | generationPart(generation);
  ::setrlimit(RLIMIT_LOCKS, &limit);
}

bool hasMark(int pid, std::string_view session_id, std::int64_t generation) {
  const std::uint64_t mark = limitOf(pid);
  return mark >> kGenerationBits == sessionPart(session_id) &&
         (mark & kGenerationMax) <= generationPart(generation);
}

}  // namespace tutti::runner
