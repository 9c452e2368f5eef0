#include "tools/get_events.hpp"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "tools/await_run.hpp"

namespace tutti::tools {

GetEvents::Input GetEvents::decode(const Json& arguments) {
  Input input;
  input.session_id = json::stringOr(arguments, "session_id", "");
  input.after = std::strtoll(json::stringOr(arguments, "cursor", "0").c_str(), nullptr, 10);
  input.limit = json::integerOr(arguments, "limit", 100);
  auto types = json::readStrings(arguments, "types");
  if (types.ok() && *types) input.types = std::move(**types);
  return input;
}

Result<Json> GetEvents::run(store::Connection& db, const Input& input) {
  auto session = agents::findSession(db, input.session_id);
  if (!session.ok()) return std::move(session).error();
  // One more than asked for tells whether there are more.
  auto found = agents::readEvents(db, session->session_id, input.after, input.limit + 1);
  const bool has_more = std::ssize(found) > input.limit;
  if (has_more) found.pop_back();
  const std::int64_t next = found.empty() ? input.after : found.back().id;
  Json events = Json::array();
  for (const agents::Event& event : found) {
    const bool wanted = input.types.empty() || std::find(input.types.begin(), input.types.end(),
                                                         event.event_type) != input.types.end();
    if (wanted) events.push_back(agents::toJson(event));
  }
  return Json(Json::object({{"session_id", session->session_id},
                            {"session_status", agents::toString(session->status)},
                            {"events", std::move(events)},
                            {"next_cursor", std::to_string(next)},
                            {"has_more", has_more}}));
}

void GetEvents::handle(const Context& context, const CallPtr& call) {
  const Input input = decode(call->arguments());
  const auto limit = toMillis(json::numberOr(call->arguments(), "wait_s", 0));
  auto answer = std::make_shared<Json>();
  auto ask = [&context, call, input, limit, answer](const std::string& session_id) {
    runner::WaitRequest wait;
    wait.session_ids = {session_id};
    wait.limit = limit;
    wait.look = [input, answer](store::Connection& db) -> Result<bool> {
      auto found = run(db, input);
      if (!found.ok()) return std::move(found).error();
      *answer = std::move(*found);
      return !(*answer)["events"].empty() || (*answer)["has_more"].get<bool>();
    };
    wait.progress = [call](std::chrono::milliseconds waited) {
      call->progress(static_cast<double>(waited.count()) / 1000.0, std::nullopt, "no new events");
    };
    wait.done = [call, answer](Result<bool> found) {
      if (!found.ok()) return call->finish(std::move(found).error());
      call->finish(mcp::ToolOutput{std::move(*answer), {}});
    };
    waitFor(context, call, std::move(wait));
  };
  withSessionId(context, call, input.session_id, std::move(ask));
}

}  // namespace tutti::tools
