// Lists for people, and the tools' own JSON for scripts.
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "server/agents/blueprint.hpp"
#include "server/agents/packs.hpp"
#include "server/base/text.hpp"
#include "server/cli/commands.hpp"
#include "server/cli/local_client.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

std::string member(const Json& object, const char* key) {
  return json::stringOr(object, key, "");
}

/// Asks one tool and prints its answer by `show`, or whole.
template <class Show>
int showTool(const Settings& settings, const char* tool, Json arguments, Format format, Show show) {
  auto client = LocalClient::open(settings);
  if (!client.ok()) return printError(client.error());
  const Answer answer = (*client)->call(tool, std::move(arguments));
  (*client)->close();
  if (!answer.error.is_null()) return printToolError(answer.error);
  if (format == Format::Json) return printJson(answer.result);
  show(answer.result);
  return 0;
}

void showEvent(const Json& event) {
  const std::string time = member(event, "timestamp").substr(11, 8);
  std::string line = time + "  " + padded(member(event, "event_type"), 18);
  if (const std::string tool = member(event, "tool_name"); !tool.empty()) line += tool + " ";
  if (const std::string role = member(event, "role"); !role.empty()) line += role + ": ";
  for (const char* key : {"text", "message", "error", "reason", "result_text"})
    if (const std::string text = member(event, key); !text.empty())
      line += oneLine(text, 160) + " ";
  if (const Json* content = json::find(event, "content"); content != nullptr && content->is_array())
    for (const Json& block : *content) line += oneLine(member(block, "text"), 160) + " ";
  printOut(line + "\n");
}

}  // namespace

int runTools(const Settings& settings, Format format) {
  auto client = LocalClient::open(settings);
  if (!client.ok()) return printError(client.error());
  (*client)->awaitMounts();
  const Answer answer = (*client)->ask("tools/list", Json::object());
  (*client)->close();
  if (!answer.error.is_null()) return printToolError(answer.error);
  const Json& tools = answer.result["tools"];
  if (format == Format::Json) return printJson(tools);
  for (const Json& tool : tools)
    printOut(padded(member(tool, "name"), 16) + member(tool, "description") + "\n");
  return 0;
}

int runBlueprints(const Settings& settings, Format format) {
  return showTool(settings, "list_blueprints", Json::object(), format, [](const Json& answer) {
    std::size_t width = 18;
    for (const Json& blueprint : answer["blueprints"])
      width = std::max(width, member(blueprint, "name").size());
    std::map<std::string, std::vector<std::string>> unavailable;  // by reason
    for (const Json& blueprint : answer["blueprints"]) {
      const bool available = json::booleanOr(blueprint, "available", true);
      if (!available)
        unavailable[member(blueprint, "unavailable_reason")].push_back(member(blueprint, "name"));
      const std::string pack = member(blueprint, "pack");
      printOut(padded(member(blueprint, "name"), width) + padded(member(blueprint, "driver"), 8) +
               (pack.empty() ? "" : padded(pack, 9)) + (available ? "" : "(cannot start) ") +
               oneLine(member(blueprint, "description"), 120) + "\n");
    }
    for (const auto& [reason, names] : unavailable)
      printOut("\nCannot start: " + reason + "\n  " + joined(names) + "\n");
    for (const Json& problem : answer["problems"])
      std::fprintf(stderr, "problem in %s: %s\n", member(problem, "source").c_str(),
                   member(problem, "message").c_str());
  });
}

int runPacks(const Settings&, Format format) {
  Json packs = Json::array();
  for (const std::string& pack : agents::shippedPacks()) {
    agents::BlueprintCatalog::Options options;
    options.embedded = false;
    options.packs = {pack};
    agents::BlueprintCatalog catalog(options);
    Json names = Json::array();
    for (const agents::Blueprint& blueprint : catalog.list()) names.push_back(blueprint.name);
    packs.push_back(Json::object({{"name", pack}, {"agents", std::move(names)}}));
  }
  if (format == Format::Json) return printJson(packs);
  for (const Json& pack : packs) {
    printOut(member(pack, "name") + "  (" + std::to_string(pack["agents"].size()) + " agents)\n");
    for (const Json& name : pack["agents"]) printOut("  " + name.get<std::string>() + "\n");
  }
  return 0;
}

int runSessions(const Settings& settings, Format format) {
  return showTool(settings, "list_sessions", Json::object(), format, [](const Json& answer) {
    if (answer["sessions"].empty()) printOut("no sessions\n");
    for (const Json& session : answer["sessions"])
      printOut(padded(member(session, "session_id"), 16) + padded(member(session, "status"), 8) +
               padded(member(session, "agent_name"), 16) +
               padded(member(session, "created_at").substr(0, 19), 19) + member(session, "name") +
               "\n");
  });
}

int runEvents(const Settings& settings, const EventsRequest& request) {
  auto client = LocalClient::open(settings);
  if (!client.ok()) return printError(client.error());
  std::string cursor = "0";
  int status = 0;
  for (bool more = true; more;) {
    const Answer answer =
        (*client)->call("get_events", Json::object({{"session_id", request.session},
                                                    {"cursor", cursor},
                                                    {"wait_s", request.follow ? 30 : 0}}));
    if (!answer.error.is_null()) {
      status = printToolError(answer.error);
      break;
    }
    bool over = false;
    for (const Json& event : answer.result["events"]) {
      if (request.format == Format::Json) printOut(json::dump(event) + "\n");
      if (request.format == Format::People) showEvent(event);
      const std::string type = member(event, "event_type");
      over = type == "run_completed" || type == "run_failed" || type == "run_stopped";
    }
    cursor = member(answer.result, "next_cursor");
    more = json::booleanOr(answer.result, "has_more", false) || (request.follow && !over);
  }
  (*client)->close();
  return status;
}

}  // namespace tutti::cli
