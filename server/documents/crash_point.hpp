// Inner to server/documents: the points between two durable steps, at which tests end the process.
#pragma once

#include <atomic>

namespace tutti::documents {

/// Called with the name of the step just done. Null but in tests of crashes and of what runs beside
/// something long. The steps: "staged", "synced", "renamed", "committing", "committed", "unlinking",
/// "unlinked"; "pulling" and "counting" at each piece.
using CrashHook = void (*)(const char* step);
inline std::atomic<CrashHook> crash_hook{nullptr};

inline void crashPoint(const char* step) {
  if (const CrashHook hook = crash_hook.load(std::memory_order_relaxed)) hook(step);
}

}  // namespace tutti::documents
