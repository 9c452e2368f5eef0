// A session's events as a text that people and models read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/agents/types.hpp"

namespace tutti::agents {

/// Markdown: what was said, with the tools that were used, their outcome and how each run ended.
/// Long tool inputs and outputs are shortened; what only the supervisor cares for is left out.
std::string transcriptOf(const Session& session, const std::vector<Event>& events);

}  // namespace tutti::agents
