// The published revisions of MCP and what each of them knows.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tutti::mcp {

enum class Revision { k2024_11_05, k2025_03_26, k2025_06_18, k2025_11_25, k2026_07_28 };

inline constexpr std::size_t kRevisionCount = 5;
inline constexpr std::array<std::string_view, kRevisionCount> kRevisionNames = {
    "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};
/// What `initialize` offers to a client that asks for something we do not speak.
inline constexpr Revision kLatestLegacy = Revision::k2025_11_25;
/// The revisions that a request's `_meta` may name, as a JSON array. server/discover and the error
/// for an unsupported version show the same list.
inline constexpr std::string_view kModernRevisionsJson = R"(["2026-07-28"])";

constexpr std::string_view revisionName(Revision revision) {
  return kRevisionNames[static_cast<std::size_t>(revision)];
}

/// The revision of that name, or nothing.
constexpr std::optional<Revision> parseRevision(std::string_view name) {
  for (std::size_t i = 0; i < kRevisionCount; ++i)
    if (kRevisionNames[i] == name) return static_cast<Revision>(i);
  return std::nullopt;
}

/// Modern: no handshake, every request describes itself in `_meta`. Otherwise legacy: `initialize`.
constexpr bool isModern(Revision revision) {
  return revision >= Revision::k2026_07_28;
}
constexpr bool hasAnnotations(Revision revision) {
  return revision >= Revision::k2025_03_26;
}
constexpr bool hasProgressMessage(Revision revision) {
  return revision >= Revision::k2025_03_26;
}
constexpr bool hasAudio(Revision revision) {
  return revision >= Revision::k2025_03_26;
}
constexpr bool hasResourceLinks(Revision revision) {
  return revision >= Revision::k2025_06_18;
}
constexpr bool hasStructuredContent(Revision revision) {
  return revision >= Revision::k2025_06_18;
}
constexpr bool hasTitle(Revision revision) {
  return revision >= Revision::k2025_06_18;
}
/// Of implementations and of what is listed.
constexpr bool hasIcons(Revision revision) {
  return revision >= Revision::k2025_11_25;
}
/// Tasks in the core of the protocol; since then they are an extension.
constexpr bool hasExperimentalTasks(Revision revision) {
  return revision == Revision::k2025_11_25;
}
/// Event streams begin with an empty event, which older clients take for a message, and can be
/// taken up again after it.
constexpr bool hasReplay(Revision revision) {
  return revision == Revision::k2025_11_25;
}
/// `_meta` of what is listed.
constexpr bool hasMeta(Revision revision) {
  return revision >= Revision::k2025_06_18;
}
/// 2024-11-05 completes arguments too, but has no name for being able to.
constexpr bool hasCompletionsCapability(Revision revision) {
  return revision >= Revision::k2025_03_26;
}
/// Arrays of messages: plain JSON-RPC at first, a duty in 2025-03-26, gone since.
constexpr bool takesBatches(Revision revision) {
  return revision <= Revision::k2025_03_26;
}
/// Structured content and output schemas had to be objects before 2026-07-28.
constexpr bool structuredMustBeObject(Revision revision) {
  return !isModern(revision);
}

}  // namespace tutti::mcp
