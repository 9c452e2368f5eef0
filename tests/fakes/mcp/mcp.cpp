// A small MCP server of the legacy era on stdin and stdout, which can also misbehave.
//
//   mcp_fake [--die-of-probe] [--hang] [--garbage] [--stderr TEXT] [--tools N] [--circles]
//            [--exit STATUS] [--notes FILE] [--resources N] [--list-bytes N]
//            [--gate FILE] [--revision REVISION]
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using Json = nlohmann::ordered_json;
extern char** environ;

namespace {

struct Options {
  bool die_of_probe = false;
  bool hang = false;
  bool garbage = false;
  bool circles = false;
  int more_tools = 0;
  int resources = -1;  // -1: it has none, nor prompts
  std::size_t list_bytes = 0;
  int exit_status = -1;
  std::string stderr_text;
  std::string notes;
  std::string gate;  // it is not served as long as this file is there
  std::string revision = "2025-06-18";
};

Options options;
std::vector<Json> slow_ids;
Json pour_token;            // of the progress of a call that lasts
std::map<int, Json> asked;  // our request id -> the id of the call that waits for its answer
int last_request = 0;
bool has_extra = false;

void send(const Json& message) {
  std::cout << message.dump() << '\n' << std::flush;
}
void result(const Json& id, const Json& value) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"result", value}});
}
void error(const Json& id, int code, const std::string& message) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
}
void text(const Json& id, const std::string& words) {
  result(id, {{"content", {{{"type", "text"}, {"text", words}}}}});
}
void note(const std::string& line) {
  if (!options.notes.empty()) std::ofstream(options.notes, std::ios::app) << line << '\n';
}

Json tool(const std::string& name, const Json& properties = Json::object()) {
  return {{"name", name},
          {"description", "The tool " + name + "."},
          {"inputSchema", {{"type", "object"}, {"properties", properties}}}};
}

/// Two that can be shown, among some that must not be.
Json icons() {
  return {
      {{"src", "https://example.com/icon.png"}, {"mimeType", "image/png"}, {"sizes", {"48x48"}}},
      {{"src", "javascript:alert(1)"}},
      {{"src", "file:///etc/passwd"}},
      {{"src", "http://example.com/icon.png"}},
      "no icon",
      {{"src", "data:image/png;base64,aGk="}, {"theme", "dark"}}};
}

Json tools() {
  Json all = Json::array();
  Json echo = tool("echo", {{"text", {{"type", "string"}}}});
  echo["inputSchema"]["required"] = {"text"};
  echo["outputSchema"] = {{"type", "object"}, {"required", {"text"}}};
  echo["annotations"] = {{"readOnlyHint", true}};
  echo["icons"] = icons();
  all.push_back(echo);
  for (const char* name :
       {"slow",  "finish", "fail",   "ask",    "crash",   "flood",  "hang",  "environment",
        "spawn", "extra",  "limits", "blocks", "ask_url", "sample", "roots", "log",
        "touch", "links",  "shrink", "pour",   "poured",  "visited"})
    all.push_back(tool(name));
  Json lie = tool("lie");
  lie["outputSchema"] = {{"type", "object"}, {"required", {"count"}}};
  all.push_back(lie);
  Json odd = tool("odd_schema", {{"a", {{"type", "nonsense"}}}});
  all.push_back(odd);
  all.push_back({{"name", "no_schema"}, {"description", "Cannot be offered."}});
  if (has_extra) all.push_back(tool("came_later"));
  for (int i = 0; i < options.more_tools; ++i) all.push_back(tool("more_" + std::to_string(i)));
  return all;
}

void echo(const Json& id, const Json& params) {
  const std::string words = params.at("arguments").value("text", "");
  result(id, {{"content", {{{"type", "text"}, {"text", words}}}},
              {"structuredContent", {{"text", words}}}});
}

void slow(const Json& id, const Json& params) {
  slow_ids.push_back(id);
  if (params.contains("_meta") && params["_meta"].contains("progressToken"))
    for (int step = 1; step <= 2; ++step)
      send({{"jsonrpc", "2.0"},
            {"method", "notifications/progress"},
            {"params",
             {{"progressToken", params["_meta"]["progressToken"]},
              {"progress", step},
              {"total", 3},
              {"message", "step " + std::to_string(step)}}}});
  note("slow began");
}

void finish(const Json& id, const Json&) {
  for (const Json& waiting : slow_ids) text(waiting, "finished");
  slow_ids.clear();
  text(id, "ok");
}

/// Lasts, and is told of progress when "poured" says so.
void pour(const Json&, const Json& params) {
  if (params.contains("_meta")) pour_token = params["_meta"].value("progressToken", Json());
  note("pour began");
}

void poured(const Json& id, const Json& params) {
  const std::string words(60'000, 'x');
  const int count = params.at("arguments").value("count", 1);
  for (int step = 1; step <= count; ++step)
    send({{"jsonrpc", "2.0"},
          {"method", "notifications/progress"},
          {"params", {{"progressToken", pour_token}, {"progress", step}, {"message", words}}}});
  text(id, "ok");
}

void fail(const Json& id, const Json&) {
  result(id, {{"isError", true}, {"content", {{{"type", "text"}, {"text", "it did not work"}}}}});
}

void notify(const std::string& method, const Json& params = Json::object()) {
  send({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

/// Asks the client; the answer becomes the result of the request `id`.
void askClient(const Json& id, const std::string& method, const Json& params) {
  asked[++last_request] = id;
  send({{"jsonrpc", "2.0"}, {"id", last_request}, {"method", method}, {"params", params}});
}

void ask(const Json& id, const Json&) {
  askClient(id, "elicitation/create",
            {{"message", "What is your name?"},
             {"requestedSchema",
              {{"type", "object"}, {"properties", {{"name", {{"type", "string"}}}}}}}});
}

void askUrl(const Json& id, const Json& params) {
  static bool visited = false;
  if (params["arguments"].value("required", false)) {
    if (visited) return text(id, "visited");
    visited = true;
    return send({{"jsonrpc", "2.0"},
                 {"id", id},
                 {"error",
                  {{"code", -32042},
                   {"message", "Sign in first."},
                   {"data",
                    {{"elicitations",
                      {{{"mode", "url"},
                        {"elicitationId", "e2"},
                        {"url", "https://example.com/first"},
                        {"message", "Sign in first."}}}}}}}}});
  }
  askClient(id, "elicitation/create",
            {{"mode", "url"},
             {"message", "Sign in."},
             {"elicitationId", "e1"},
             {"url", "https://example.com/sign-in"}});
}

/// The user has been to the page.
void visited(const Json& id, const Json& params) {
  notify("notifications/elicitation/complete",
         {{"elicitationId", params.at("arguments").value("page", "")}});
  text(id, "ok");
}

void sample(const Json& id, const Json&) {
  askClient(id, "sampling/createMessage",
            {{"messages", {{{"role", "user"}, {"content", {{"type", "text"}, {"text", "2+2?"}}}}}},
             {"maxTokens", 10}});
}

void roots(const Json& id, const Json&) {
  askClient(id, "roots/list", Json::object());
}

void logSome(const Json& id, const Json& params) {
  const Json& arguments = params.at("arguments");
  const int count = arguments.value("count", 1);
  if (arguments.value("after", false)) text(id, "ok");
  for (int i = 0; i < count; ++i)
    notify("notifications/message", {{"level", arguments.value("level", "info")},
                                     {"logger", "work"},
                                     {"data", {{"said", arguments.value("text", "")}}}});
  if (!arguments.value("after", false)) text(id, "ok");
}

void touch(const Json& id, const Json& params) {
  const Json& arguments = params.at("arguments");
  const int count = arguments.value("count", 1);
  for (int i = 0; i < count; ++i)
    notify("notifications/resources/updated", {{"uri", arguments.value("uri", "")}});
  text(id, "ok");
}

void links(const Json& id, const Json&) {
  result(id, {{"content",
               {{{"type", "resource_link"}, {"uri", "note:///hidden"}, {"name", "hidden"}},
                {{"type", "resource"}, {"resource", {{"uri", "note:///1"}, {"text", "t"}}}}}}});
}

void shrink(const Json& id, const Json&) {
  options.resources = 1;
  text(id, "ok");
  notify("notifications/resources/list_changed");
}

void crash(const Json&, const Json&) {
  std::abort();
}

void flood(const Json&, const Json&) {
  const std::string junk(60'000, 'x');
  for (;;)
    send({{"jsonrpc", "2.0"},
          {"method", "notifications/message"},
          {"params", {{"level", "info"}, {"data", junk}}}});
}

void hang(const Json&, const Json&) {
  for (;;) ::pause();
}

void environment(const Json& id, const Json&) {
  Json names = Json::object();
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string pair = *each;
    names[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  }
  result(id, {{"content", Json::array()}, {"structuredContent", names}});
}

/// A process that leaves the session and ignores what it is told.
void spawnGrandchild(const Json& id, const Json&) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    for (int fd = 0; fd < 64; ++fd) ::close(fd);
    for (;;) ::pause();
  }
  text(id, std::to_string(child));
}

void extra(const Json& id, const Json&) {
  has_extra = !has_extra;
  text(id, "ok");
  send({{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}});
}

void limits(const Json& id, const Json&) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  result(id, {{"content", Json::array()},
              {"structuredContent",
               {{"open_files", files.rlim_cur}, {"group", ::getpgid(0)}, {"pid", ::getpid()}}}});
}

void blocks(const Json& id, const Json&) {
  result(id, {{"content",
               {{{"type", "image"}, {"data", "aGk="}, {"mimeType", "image/png"}},
                {{"type", "resource"}, {"resource", {{"uri", "x://y"}, {"text", "t"}}}},
                {{"type", "from_the_future"}}}}});
}

void lie(const Json& id, const Json&) {
  result(id, {{"content", Json::array()}, {"structuredContent", {{"number", 1}}}});
}

void oddSchema(const Json& id, const Json& params) {
  text(id, params.at("arguments").dump());
}

void callTool(const Json& id, Json params) {
  static const std::map<std::string, void (*)(const Json&, const Json&)> kTools = {
      {"echo", echo},
      {"slow", slow},
      {"finish", finish},
      {"fail", fail},
      {"ask", ask},
      {"crash", crash},
      {"flood", flood},
      {"hang", hang},
      {"environment", environment},
      {"spawn", spawnGrandchild},
      {"extra", extra},
      {"limits", limits},
      {"blocks", blocks},
      {"lie", lie},
      {"odd_schema", oddSchema},
      {"ask_url", askUrl},
      {"sample", sample},
      {"roots", roots},
      {"log", logSome},
      {"touch", touch},
      {"links", links},
      {"shrink", shrink},
      {"pour", pour},
      {"poured", poured},
      {"visited", visited}};
  if (!params.contains("arguments")) params["arguments"] = Json::object();
  const auto found = kTools.find(params.value("name", ""));
  if (found == kTools.end()) return error(id, -32602, "no such tool");
  found->second(id, params);
}

Json capabilities() {
  Json all = {{"tools", {{"listChanged", true}}}};
  if (options.resources < 0) return all;
  all["resources"] = {{"listChanged", true}, {"subscribe", true}};
  all["prompts"] = Json::object();
  all["completions"] = Json::object();
  all["logging"] = Json::object();
  return all;
}

Json resources() {
  Json all = Json::array();
  for (int i = 1; i <= options.resources; ++i) {
    const std::string number = std::to_string(i);
    all.push_back({{"uri", "note:///" + number},
                   {"name", "note " + number},
                   {"size", 3},
                   {"icons", icons()}});
  }
  if (options.list_bytes > 0)
    all.push_back({{"uri", "note:///big"},
                   {"name", "big"},
                   {"description", std::string(options.list_bytes, 'x')}});
  // What no list should have.
  all.push_back({{"uri", "note:///1"}, {"name", "note 1 again"}});
  all.push_back({{"uri", "no uri at all"}, {"name", "odd"}});
  all.push_back({{"name", "nameless"}});
  return all;
}

void readResource(const Json& id, const std::string& uri) {
  if (uri == "note:///die") std::abort();
  if (uri == "note:///slow") {
    slow_ids.push_back(id);
    return note("slow began");
  }
  if (uri == "note:///ask")
    return askClient(id, "sampling/createMessage", {{"messages", Json::array()}, {"maxTokens", 1}});
  if (uri == "note:///missing") return error(id, -32002, "Resource not found");
  if (uri == "note:///nonsense") return result(id, {{"contents", "none"}});
  const std::string said = uri == "note:///liar" ? "note:///other" : uri;
  result(id, {{"contents", {{{"uri", said}, {"text", "text of " + uri}}}}});
}

/// Answers what a server with resources has; false for other methods.
bool serveMore(const std::string& method, const Json& id, const Json& params) {
  if (options.resources < 0) return false;
  const std::string uri = params.value("uri", "");
  if (method == "resources/list") {
    result(id, {{"resources", resources()}});
  } else if (method == "resources/templates/list") {
    result(id, {{"resourceTemplates",
                 {{{"uriTemplate", "note:///{number}"}, {"name", "a note"}, {"icons", icons()}},
                  {{"uriTemplate", "note://{/path*}"}, {"name", "cannot be matched"}}}}});
  } else if (method == "resources/read") {
    readResource(id, uri);
  } else if (method == "resources/subscribe") {
    note("subscribe " + uri);
    result(id, Json::object());
  } else if (method == "resources/unsubscribe") {
    note("unsubscribe " + uri);
    result(id, Json::object());
  } else if (method == "completion/complete") {
    result(id, {{"completion", {{"values", {params["ref"].dump()}}}}});
  } else if (method == "logging/setLevel") {
    note("level " + params.value("level", ""));
    result(id, Json::object());
  } else if (method == "prompts/list") {
    result(id,
           {{"prompts",
             {{{"name", "quick"}, {"icons", icons()}}, {{"name", "slow"}}, {{"name", "third"}}}}});
  } else if (method == "prompts/get") {
    if (params.value("name", "") == "slow") {
      slow_ids.push_back(id);
      note("slow began");
      return true;
    }
    result(id,
           {{"messages",
             {{{"role", "user"},
               {"content", {{"type", "resource_link"}, {"uri", "note:///1"}, {"name", "n"}}}}}}});
  } else {
    return false;
  }
  return true;
}

void serve(const Json& message) {
  const std::string method = message.value("method", "");
  if (method.empty()) {
    const auto waiting = message.contains("id") && message["id"].is_number_integer()
                             ? asked.find(message["id"].get<int>())
                             : asked.end();
    if (waiting == asked.end()) return;
    const bool answered = message.contains("result");
    const std::string words = answered
                                  ? "answered: " + message["result"].dump()
                                  : "refused: " + message["error"]["message"].get<std::string>();
    // The result of a tool and of a read in one.
    result(waiting->second, {{"content", {{{"type", "text"}, {"text", words}}}},
                             {"contents", {{{"uri", "note:///ask"}, {"text", words}}}}});
    asked.erase(waiting);
    return;
  }
  const Json params = message.value("params", Json::object());
  if (method == "notifications/cancelled") return note("cancelled");
  if (!message.contains("id")) return;
  const Json id = message["id"];
  if (method == "server/discover" && options.die_of_probe) std::exit(3);
  if (method == "initialize")
    return result(id, {{"protocolVersion", options.revision},
                       {"capabilities", capabilities()},
                       {"serverInfo", {{"name", "fake"}, {"version", "7"}}}});
  if (method == "tools/list") {
    Json page = {{"tools", tools()}};
    if (options.circles) page["nextCursor"] = "again";
    return result(id, page);
  }
  if (method == "tools/call") return callTool(id, params);
  if (serveMore(method, id, params)) return;
  if (method == "ping") return result(id, Json::object());
  error(id, -32601, "Method not found");
}

bool parse(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto next = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (word == "--die-of-probe")
      options.die_of_probe = true;
    else if (word == "--hang")
      options.hang = true;
    else if (word == "--garbage")
      options.garbage = true;
    else if (word == "--circles")
      options.circles = true;
    else if (word == "--tools")
      options.more_tools = std::atoi(next());
    else if (word == "--resources")
      options.resources = std::atoi(next());
    else if (word == "--list-bytes")
      options.list_bytes = static_cast<std::size_t>(std::atoll(next()));
    else if (word == "--exit")
      options.exit_status = std::atoi(next());
    else if (word == "--stderr")
      options.stderr_text = next();
    else if (word == "--gate")
      options.gate = next();
    else if (word == "--revision")
      options.revision = next();
    else if (word == "--notes")
      options.notes = next();
    else
      return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (!parse(argc, argv)) return 2;
  note("started");
  if (!options.stderr_text.empty()) std::cerr << options.stderr_text << std::endl;
  if (options.exit_status >= 0) return options.exit_status;
  if (options.garbage)
    for (;;) std::cout << "Server listening on http://localhost\n" << std::flush;
  if (options.hang)
    for (;;) ::pause();
  while (!options.gate.empty() && ::access(options.gate.c_str(), F_OK) == 0) ::usleep(1'000);
  for (std::string line; std::getline(std::cin, line);) {
    const Json message = Json::parse(line, nullptr, false);
    if (message.is_object()) serve(message);
  }
  note("ended");
}
