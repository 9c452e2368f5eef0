#include "tools/delete_session.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/runner/spec.hpp"

namespace tutti::tools {

Result<agents::DeletedSession> DeleteSession::run(store::Tx& tx, const std::string& session_id) {
  return agents::deleteSession(tx, session_id);
}

void DeleteSession::handle(const Context& context, const CallPtr& call) {
  const std::string id = json::stringOr(call->arguments(), "session_id", "");
  write<agents::DeletedSession>(
      context, [id](store::Tx& tx) { return run(tx, id); },
      [&context, call](Result<agents::DeletedSession> deleted) {
        if (!deleted.ok()) return call->finish(std::move(deleted).error());
        const runner::Layout layout(context.store.folder());
        std::error_code ignored;
        std::filesystem::remove_all(layout.sessionHosts(deleted->session_id), ignored);
        for (const std::string& run_id : deleted->run_ids)
          std::filesystem::remove_all(layout.run(run_id), ignored);
        call->finish(mcp::ToolOutput{Json::object({{"session_id", deleted->session_id},
                                                   {"runs_deleted", deleted->run_ids.size()},
                                                   {"events_deleted", deleted->events_count}}),
                                     {}});
      });
}

}  // namespace tutti::tools
