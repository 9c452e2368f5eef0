// Identifiers. Random from the kernel, or counted from such a number, so that no two processes
// agree by accident. Names, not secrets: who has seen one can guess the next.
#pragma once

#include <string>
#include <string_view>

namespace tutti {

/// `bytes` random bytes as lower-case hex. Thread-safe. Throws std::system_error without entropy.
std::string randomHex(int bytes);

/// These three count: one process makes none twice, and those made together are neighbours.
/// Thread-safe. Not for a child of fork() without exec(): it would count on from the same place.
std::string newSessionId();       ///< "ses_" and 12 hex digits, AOF's form
std::string newRunId();           ///< "run_" and 12 hex digits, AOF's form
std::string newDocumentDigits();  ///< 24 hex digits, for AOF's "doc_…"
std::string newReplicaId();       ///< "rep_" and 16 hex digits: one running tutti process
std::string newUuid();            ///< RFC 9562 version 4, lower case

/// Is `text` something that may name a session: 1 to 64 of [A-Za-z0-9_-]? Such an id is also safe
/// as a file name.
bool isSafeId(std::string_view text);

}  // namespace tutti
