// How a run is told to a client: one form for start_agent, resume and get_result.
#pragma once

#include <cstdint>

#include "server/agents/types.hpp"
#include "server/json/json.hpp"

namespace tutti::tools {

/// Which part of a long result_text is wanted.
struct ResultWindow {
  std::int64_t offset = 0;
  std::int64_t size_max = 50'000;  ///< bytes; cut between characters
};

/// The handle of a run, and its result when it has one. Matches get_result.output.json.
Json runReport(const agents::Session& session, const agents::Run& run, ResultWindow window = {});

/// {session_id, run_id, status}: for lists.
Json runLine(const agents::Run& run);

}  // namespace tutti::tools
