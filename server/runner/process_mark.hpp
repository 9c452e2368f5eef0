// A mark on everything that an agent starts, which no program takes off by accident.
#pragma once

#include <cstdint>
#include <string_view>

namespace tutti::runner {

/// Marks this process and what it will start as of that session and generation. The mark is the
/// soft limit RLIMIT_LOCKS, which Linux has kept without a meaning since 2.4: it passes through
/// fork and exec, whatever becomes of environment, session, descriptors and parents on the way,
/// and anybody may read it. Best effort: where the hard limit is not unlimited there is no mark.
void markProcesses(std::string_view session_id, std::int64_t generation);

/// Has the process the mark of this session, and of this generation or an earlier one?
bool hasMark(int pid, std::string_view session_id, std::int64_t generation);

}  // namespace tutti::runner
