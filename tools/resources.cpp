#include "tools/resources.hpp"

#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "server/agents/transcript.hpp"
#include "tools/get_status.hpp"
#include "tools/list_blueprints.hpp"
#include "tools/list_sessions.hpp"
#include "tools/run_report.hpp"

namespace tutti::tools {
namespace {

using ReadPtr = std::shared_ptr<mcp::ResourceRead>;
using CompletionPtr = std::shared_ptr<mcp::CompletionCall>;

constexpr const char* kJson = "application/json";
constexpr const char* kLines = "application/x-ndjson";
constexpr const char* kMarkdown = "text/markdown";
constexpr std::int64_t kEventsMax = 10'000;  // of one read; get_events pages through more
constexpr std::size_t kCompletionsMax = 100;

struct Rendered {
  std::string mime_type;
  std::string text;
};

void finishRead(const ReadPtr& read, Result<Rendered> rendered) {
  if (!rendered.ok()) return read->finish(std::move(rendered).error());
  mcp::ResourceContents contents;
  contents.uri = read->uri();
  contents.mime_type = std::move(rendered->mime_type);
  contents.text = std::move(rendered->text);
  mcp::ResourceOutput output;
  output.contents.push_back(std::move(contents));
  read->finish(std::move(output));
}

/// Renders on a reader's thread.
void readWith(const Context& context, const ReadPtr& read,
              std::function<Result<Rendered>(store::Connection&)> render) {
  auto rendered = std::make_shared<std::optional<Rendered>>();
  context.store.read(
      [rendered, render = std::move(render)](store::Connection& db) -> Status {
        auto made = render(db);
        if (!made.ok()) return std::move(made).error();
        rendered->emplace(std::move(*made));
        return ok();
      },
      [post = context.post, read, rendered](Status status) {
        post([read, rendered, status = std::move(status)] {
          if (!status.ok()) return finishRead(read, status.error());
          finishRead(read, std::move(**rendered));
        });
      });
}

Result<Rendered> asJson(Result<Json> value) {
  if (!value.ok()) return std::move(value).error();
  return Rendered{kJson, json::dump(*value)};
}

std::string variable(const ReadPtr& read, const char* name) {
  const auto found = read->variables().find(name);
  return found == read->variables().end() ? std::string() : found->second;
}

// --- sessions ------------------------------------------------------------------------------------

Result<Rendered> status(store::Connection& db, const std::string& session_id) {
  return asJson(GetStatus::run(db, session_id));
}

Result<Rendered> events(store::Connection& db, const std::string& session_id) {
  auto session = agents::findSession(db, session_id);
  if (!session.ok()) return std::move(session).error();
  Rendered lines{kLines, {}};
  for (const agents::Event& event : agents::readEvents(db, session->session_id, 0, kEventsMax))
    lines.text.append(json::dump(agents::toJson(event))).push_back('\n');
  return lines;
}

Result<Rendered> transcript(store::Connection& db, const std::string& session_id) {
  auto session = agents::findSession(db, session_id);
  if (!session.ok()) return std::move(session).error();
  const auto all = agents::readEvents(db, session->session_id, 0, kEventsMax);
  return Rendered{kMarkdown, agents::transcriptOf(*session, all)};
}

Result<Rendered> result(store::Connection& db, const std::string& session_id) {
  auto session = agents::findSession(db, session_id);
  if (!session.ok()) return std::move(session).error();
  auto run = agents::latestRun(db, session->session_id);
  if (!run.ok()) return std::move(run).error();
  return asJson(runReport(*session, *run));
}

struct SessionPart {
  const char* uri_template;
  const char* name;
  const char* description;
  const char* mime_type;
  Result<Rendered> (*render)(store::Connection& db, const std::string& session_id);
};

constexpr SessionPart kSessionParts[] = {
    {"tutti://session/{session_id}", "session",
     "An agent session: its status, its newest run and event, its children", kJson, status},
    {"tutti://session/{session_id}/events", "session-events",
     "Everything that happened in an agent session, one JSON object a line", kLines, events},
    {"tutti://session/{session_id}/transcript", "session-transcript",
     "The conversation of an agent session, with the tools it used, as Markdown", kMarkdown,
     transcript},
    {"tutti://session/{session_id}/result", "session-result",
     "The newest run of an agent session and its result, as get_result tells it", kJson, result},
};

// --- completion ----------------------------------------------------------------------------------

mcp::CompletionOutput startingWith(std::string_view typed, const std::vector<std::string>& all) {
  mcp::CompletionOutput output;
  for (const std::string& value : all)
    if (value.starts_with(typed)) output.values.push_back(value);
  output.total = std::ssize(output.values);
  return output;
}

void completeSession(const Context& context, const CompletionPtr& call) {
  auto names = std::make_shared<std::vector<std::string>>();
  context.store.read(
      [names](store::Connection& db) -> Status {
        agents::SessionFilter newest;
        newest.count_max = kCompletionsMax;
        auto page = agents::listSessions(db, newest);
        if (!page.ok()) return std::move(page).error();
        for (const agents::Session& session : page->sessions)
          if (!session.name.empty()) names->push_back(session.name);
        for (const agents::Session& session : page->sessions) names->push_back(session.session_id);
        return ok();
      },
      [post = context.post, call, names](Status status) {
        post([call, names, status = std::move(status)] {
          if (!status.ok()) return call->finish(status.error());
          call->finish(startingWith(call->value(), *names));
        });
      });
}

void completeBlueprint(const Context& context, const CompletionPtr& call) {
  std::vector<std::string> names;
  for (const agents::Blueprint& blueprint : context.catalog.list())
    if (blueprint.active) names.push_back(blueprint.name);
  call->finish(startingWith(call->value(), names));
}

// --- blueprints ----------------------------------------------------------------------------------

void readBlueprint(const Context& context, const ReadPtr& read) {
  auto found = context.catalog.find(variable(read, "name"));
  if (!found.ok()) return finishRead(read, std::move(found).error());
  finishRead(read, Rendered{kJson, json::dump(agents::toJson(*found))});
}

Status addSessions(mcp::Server& server, const Context& context) {
  mcp::Resource list{"tutti://sessions", "sessions"};
  list.description = "The newest agent sessions";
  list.mime_type = kJson;
  Status added = server.addResource(std::move(list), [&context](const ReadPtr& read) {
    readWith(context, read,
             [](store::Connection& db) { return asJson(ListSessions::run(db, {})); });
  });
  if (!added.ok()) return added;
  for (const SessionPart& part : kSessionParts) {
    mcp::ResourceTemplate offered{part.uri_template, part.name};
    offered.description = part.description;
    offered.mime_type = part.mime_type;
    added = server.addTemplate(
        std::move(offered),
        [&context, render = part.render](const ReadPtr& read) {
          readWith(context, read,
                   [render, session_id = variable(read, "session_id")](store::Connection& db) {
                     return render(db, session_id);
                   });
        },
        [&context](const CompletionPtr& call) { completeSession(context, call); });
    if (!added.ok()) return added;
  }
  return ok();
}

Status addBlueprints(mcp::Server& server, const Context& context) {
  mcp::Resource list{"tutti://blueprints", "blueprints"};
  list.description = "The agents that can be started, and which files are wrong";
  list.mime_type = kJson;
  Status added = server.addResource(std::move(list), [&context](const ReadPtr& read) {
    finishRead(read, asJson(ListBlueprints::run(context, {})));
  });
  if (!added.ok()) return added;
  mcp::ResourceTemplate one{"tutti://blueprint/{name}", "blueprint"};
  one.description = "One agent definition, with its system prompt and its schemas";
  one.mime_type = kJson;
  return server.addTemplate(
      std::move(one), [&context](const ReadPtr& read) { readBlueprint(context, read); },
      [&context](const CompletionPtr& call) { completeBlueprint(context, call); });
}

}  // namespace

Status addResources(mcp::Server& server, const Context& context) {
  if (Status added = addSessions(server, context); !added.ok()) return added;
  return addBlueprints(server, context);
}

}  // namespace tutti::tools
