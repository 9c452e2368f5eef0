#include "tools/registry.hpp"

#include <algorithm>
#include <set>

#include "server/base/text.hpp"
#include "tools/await_run.hpp"
#include "tools/delete_session.hpp"
#include "tools/doc_create.hpp"
#include "tools/doc_delete.hpp"
#include "tools/doc_edit.hpp"
#include "tools/doc_info.hpp"
#include "tools/doc_link.hpp"
#include "tools/doc_pull.hpp"
#include "tools/doc_push.hpp"
#include "tools/doc_query.hpp"
#include "tools/doc_read.hpp"
#include "tools/doc_search.hpp"
#include "tools/doc_write.hpp"
#include "tools/explain_route.hpp"
#include "tools/get_events.hpp"
#include "tools/get_result.hpp"
#include "tools/get_status.hpp"
#include "tools/list_blueprints.hpp"
#include "tools/list_sessions.hpp"
#include "tools/list_tool_servers.hpp"
#include "tools/resume.hpp"
#include "tools/route_feedback.hpp"
#include "tools/route_request.hpp"
#include "tools/start_agent.hpp"
#include "tools/stop.hpp"
#include "tools/wait_any.hpp"

namespace tutti::tools {
namespace {

using Handle = void (*)(const Context&, const CallPtr&);

struct Entry {
  const char* name;
  const char* toolset;
  const char* title;
  const char* description;  // for a model that searches for tools: what, when, what next
  mcp::ToolAnnotations annotations;
  Handle handle;
  const char* meta = "";
  mcp::TaskSupport task_support = mcp::TaskSupport::Forbidden;
};

/// Claude Code hides most tools behind a search. What an orchestrating model always needs is loaded
/// from the start.
constexpr const char* kAlwaysLoad = R"({"anthropic/alwaysLoad":true})";

constexpr mcp::ToolAnnotations kReads{.read_only = true, .idempotent = true};

// The order is the order of tools/list.
const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {ListBlueprints::kName, "agents", "List agent blueprints",
       "List the agents (blueprints) that can be started, with what each is for and which "
       "parameters "
       "it takes.",
       kReads, ListBlueprints::handle},
      {StartAgent::kName,
       "agents",
       "Start an agent",
       "Start an agent in the background (Claude Code or a program, by blueprint) and return its "
       "session_id. It goes on when you disconnect. Then call get_result.",
       {.open_world = true},
       StartAgent::handle,
       kAlwaysLoad,
       mcp::TaskSupport::Optional},
      {Resume::kName,
       "agents",
       "Continue an agent",
       "Send a further prompt to an agent session that was started before; it keeps its "
       "conversation. "
       "Then call get_result.",
       {.open_world = true},
       Resume::handle,
       "",
       mcp::TaskSupport::Optional},
      {GetResult::kName, "agents", "Get an agent's result",
       "Get the result of an agent session, waiting up to wait_s seconds. While finished is false, "
       "call again.",
       kReads, GetResult::handle, kAlwaysLoad, mcp::TaskSupport::Optional},
      {WaitAny::kName, "agents", "Wait for the first of several agents",
       "Wait until any of several agent sessions has ended, and say which. Use it after starting "
       "agents in parallel.",
       kReads, WaitAny::handle, "", mcp::TaskSupport::Optional},
      {Stop::kName,
       "agents",
       "Stop an agent",
       "Stop an agent session and all its processes, and report what was found.",
       {.destructive = true, .idempotent = true},
       Stop::handle},
      {GetStatus::kName, "sessions", "Get an agent's status",
       "Look at what an agent session is doing now, without waiting: status, latest event, "
       "children.",
       kReads, GetStatus::handle},
      {GetEvents::kName, "sessions", "Read an agent's events",
       "Read the event log of an agent session (messages, tool uses, permission requests) from a "
       "cursor on.",
       kReads, GetEvents::handle},
      {ListSessions::kName, "sessions", "List agent sessions",
       "List agent sessions, newest first, by status, blueprint, parent or project.", kReads,
       ListSessions::handle},
      {DeleteSession::kName,
       "sessions",
       "Delete an agent session",
       "Delete an agent session that is over, with its runs and events.",
       {.destructive = true},
       DeleteSession::handle},
      {DocPush::kName,
       "documents",
       "Put a document where other agents find it",
       "Store text, a file or data as a shared document, or as the next version of one, so that "
       "other agents and later sessions can find, search and read it. Returns its id.",
       {},
       DocPush::handle,
       kAlwaysLoad},
      {DocRead::kName, "documents", "Read a shared document",
       "Read a shared document, or a range of its characters, an older version, or the changes "
       "since one. Images come as images.",
       kReads, DocRead::handle},
      {DocSearch::kName, "documents", "Search shared documents",
       "Search the content of shared documents by words, phrases or meaning. Answers name sections "
       "by offset and limit: read these with doc_read.",
       kReads, DocSearch::handle},
      {DocQuery::kName, "documents", "List shared documents",
       "List shared documents by name, tags, metadata, author, type or time. To look into their "
       "content use doc_search.",
       kReads, DocQuery::handle},
      {DocEdit::kName,
       "documents",
       "Edit a shared document",
       "Replace a part of a shared text document, by its words or by position in characters. The "
       "old text stays as a version.",
       {},
       DocEdit::handle},
      {DocWrite::kName,
       "documents",
       "Rewrite a shared document",
       "Give a shared document new content as a whole, or bring an older version back. The old "
       "content stays as a version.",
       {},
       DocWrite::handle},
      {DocInfo::kName, "documents", "Look at a shared document",
       "Tell a shared document's description, relations, versions, and what it is linked with.",
       kReads, DocInfo::handle},
      {DocCreate::kName,
       "documents-more",
       "Reserve a shared document",
       "Reserve a shared document's name, tags and metadata before there is content; doc_write "
       "fills it.",
       {},
       DocCreate::handle},
      {DocPull::kName,
       "documents-more",
       "Save a shared document as a file",
       "Write a shared document's content to a file in the project.",
       {.destructive = true, .idempotent = true},
       DocPull::handle},
      {DocDelete::kName,
       "documents-more",
       "Delete a shared document",
       "Delete a shared document with its versions, and its child documents with it.",
       {.destructive = true},
       DocDelete::handle},
      {DocLink::kName,
       "documents-more",
       "Link shared documents",
       "Link two shared documents (parent-child, related, predecessor-successor), change the note "
       "of a link, remove it, or list the kinds.",
       {},
       DocLink::handle},
      {RouteRequest::kName,
       "routing",
       "Find the right agent for a request",
       "Decide which agent (or workflow, or group of researchers) should handle a request, and say "
       "why and why not others. With dispatch true it is started too, and the next best is tried "
       "if it fails. Says so when nobody fits.",
       {.open_world = true},
       RouteRequest::handle,
       kAlwaysLoad,
       mcp::TaskSupport::Optional},
      {RouteFeedback::kName,
       "routing",
       "Say whether a routing decision was right",
       "Tell whether a decision of route_request was right or wrong, and who would have been "
       "better: later decisions learn from it.",
       {},
       RouteFeedback::handle},
      {ExplainRoute::kName, "routing", "Explain routing decisions",
       "Tell all about a decision of route_request: why, why not others, what was started and what "
       "became of it. Without an id, list the newest decisions.",
       kReads, ExplainRoute::handle},
      {ListToolServers::kName, "tools", "List tool servers",
       "List the MCP servers whose tools are offered here as <server>__<tool>, with status, last "
       "problem and number of calls.",
       kReads, ListToolServers::handle},
  };
  return all;
}

Result<std::set<std::string>> parseNames(std::string_view names) {
  std::vector<std::string> known = {"all"};
  for (const Toolset& set : toolsets()) known.emplace_back(set.name);
  std::set<std::string> wanted;
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    const std::string name(names.substr(0, comma));
    names = comma == names.npos ? std::string_view{} : names.substr(comma + 1);
    if (name.empty()) continue;
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Error(Code::InvalidArgument, "toolset '" + name + "' is unknown",
                   "choose from " + joined(known))
          .named("unknown_toolset");
    wanted.insert(name);
  }
  return wanted;
}

}  // namespace

const std::vector<Toolset>& toolsets() {
  static const std::vector<Toolset> all = {
      {"agents", "start, continue, await and stop agents"},
      {"sessions", "look into sessions: status, events, lists, deletion"},
      {"documents", "shared documents: put, find, read and edit them"},
      {"documents-more", "shared documents: files, links, deletion, reserved names"},
      {"routing", "find the right agent for a request, and learn from what came of it"},
      {"tools", "the MCP servers whose tools are offered here"},
  };
  return all;
}

std::vector<std::string> missingTaskTools(std::string_view names) {
  const auto wanted = parseNames(names);
  std::vector<std::string> missing;
  for (const Entry& entry : entries()) {
    const bool there = wanted.ok() && (wanted->contains("all") || wanted->contains(entry.toolset));
    if (entry.task_support != mcp::TaskSupport::Forbidden && !there)
      missing.emplace_back(entry.name);
  }
  return missing;
}

bool holdsToolset(std::string_view names, std::string_view toolset) {
  const auto wanted = parseNames(names);
  return wanted.ok() && (wanted->contains("all") || wanted->contains(std::string(toolset)));
}

Status addTools(mcp::Server& server, const Context& context, std::string_view names,
                const std::function<std::string(std::string_view)>& schemas) {
  auto wanted = parseNames(names);
  if (!wanted.ok()) return std::move(wanted).error();
  for (const Entry& entry : entries()) {
    if (!wanted->contains("all") && !wanted->contains(entry.toolset)) continue;
    mcp::Tool tool;
    tool.name = entry.name;
    tool.title = entry.title;
    tool.description = entry.description;
    tool.input_schema = schemas(tool.name + ".input.json");
    tool.output_schema = schemas(tool.name + ".output.json");
    tool.annotations = entry.annotations;
    tool.meta = entry.meta;
    tool.task_support = entry.task_support;
    tool.task_options = kWaitTask;
    Status added = server.addTool(std::move(tool), [&context, handle = entry.handle](CallPtr call) {
      handle(context, call);
    });
    if (!added.ok()) return added;
  }
  return ok();
}

}  // namespace tutti::tools
