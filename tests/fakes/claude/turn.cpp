#include "tests/fakes/claude/turn.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>

#include "tests/fakes/claude/mcp_call.hpp"

namespace fake_claude {
namespace {

constexpr std::size_t kBigPieceBytes = 1024 * 1024;

/// What the steps of one turn share.
struct Turn {
  Session& session;
  Lines& lines;
  std::string answer;  // becomes the result's text
  Json extra = Json::object();
  std::string subtype = "success";
  bool is_error = false;
  bool ended = false;  // a step has decided how the turn ends; no further steps
};

using Step = std::function<void(Turn&, const std::string&)>;

std::pair<std::string, std::string> split(const std::string& text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string::npos) return {text, ""};
  return {text.substr(0, at), text.substr(at + 1)};
}

long number(const std::string& text, long otherwise) {
  return text.empty() ? otherwise : std::strtol(text.c_str(), nullptr, 10);
}

void say(Turn& turn, const std::string& text) {
  turn.answer = text;
  turn.session.assistant(Json::object({{"type", "text"}, {"text", text}}));
}

void finish(Turn& turn, const std::string& subtype, bool is_error, Json extra) {
  turn.subtype = subtype;
  turn.is_error = is_error;
  turn.extra = std::move(extra);
  turn.ended = true;
}

void interrupted(Turn& turn) {
  turn.session.userNote("[Request interrupted by user]");
  finish(turn, "error_during_execution", true,
         Json::object({{"stop_reason", nullptr},
                       {"terminal_reason", "aborted_streaming"},
                       {"errors", Json::array({"[ede_diagnostic] result_type=user"})}}));
}

// Looks at one line that came during a turn. True: it was an interrupt, and it is answered.
bool isInterrupt(Turn& turn, const std::string& line) {
  const Json record = Json::parse(line, nullptr, false);
  if (!record.is_object() || record.value("type", "") != "control_request") {
    turn.lines.later(line);  // a prompt for the next turn
    return false;
  }
  answerControl(record);
  return record["request"].value("subtype", "") == "interrupt";
}

// A model that says nothing: only an interrupt or a signal ends it.
void hang(Turn& turn, const std::string&) {
  for (;;) {
    const auto line = turn.lines.next(-1);
    if (!line) {
      pause();
      continue;
    }
    const Json record = Json::parse(*line, nullptr, false);
    if (record.is_object() && record.value("type", "") == "control_request") {
      answerControl(record);
      if (record["request"].value("subtype", "") == "interrupt") return interrupted(turn);
    }
  }
}

// A process that neither reads nor writes.
[[noreturn]] void silent(Turn&, const std::string&) {
  for (;;) pause();
}

void sleepStep(Turn& turn, const std::string& text) {
  long left_ms = number(text, 100);
  while (left_ms > 0) {
    const int step_ms = static_cast<int>(std::min(left_ms, 20L));
    left_ms -= step_ms;
    usleep(static_cast<useconds_t>(step_ms) * 1000);
    const auto line = turn.lines.next(0);
    if (line && isInterrupt(turn, *line)) return interrupted(turn);
  }
}

Json useTool(Turn& turn, const std::string& tool, const Json& input) {
  Json use = Json::object({{"type", "tool_use"},
                           {"id", "toolu_" + makeUuid().substr(0, 8)},
                           {"name", tool},
                           {"input", input}});
  turn.session.assistant(use);
  return use;
}

Json inputOf(const std::string& text) {
  Json input = Json::parse(text, nullptr, false);
  if (input.is_object()) return input;
  return Json::object({{"file_path", "/tmp/a.txt"}});
}

// The host's answer to a permission request; stdin closed counts as a denial, as in the real one.
Json awaitDecision(Turn& turn, const std::string& request_id) {
  for (;;) {
    const auto line = turn.lines.next(-1);
    if (!line)
      return Json::object({{"behavior", "deny"},
                           {"message",
                            "Tool permission request failed: AbortError: Tool permission "
                            "stream closed before response received"}});
    const Json record = Json::parse(*line, nullptr, false);
    if (record.is_object() && record.value("type", "") == "control_response" &&
        record["response"].value("request_id", "") == request_id)
      return record["response"].value("response", Json::object());
    if (isInterrupt(turn, *line)) return Json::object({{"behavior", "deny"}, {"interrupt", true}});
  }
}

void askPermission(Turn& turn, const std::string& text) {
  const auto [tool, input_text] = split(text, ' ');
  const std::string name = tool.empty() ? "Write" : tool;
  const Json use = useTool(turn, name, inputOf(input_text));
  const std::string use_id = use["id"].get<std::string>();
  const std::string request_id = makeUuid();
  Json request = Json::object({{"subtype", "can_use_tool"},
                               {"tool_name", name},
                               {"display_name", name},
                               {"input", use["input"]},
                               {"permission_suggestions", Json::array()},
                               {"tool_use_id", use_id}});
  writeRecord(Json::object(
      {{"type", "control_request"}, {"request_id", request_id}, {"request", std::move(request)}}));

  const Json decision = awaitDecision(turn, request_id);
  if (decision.value("behavior", "") == "allow") {
    turn.session.toolResult(use_id, "done " + decision.value("updatedInput", Json()).dump(), false);
    return say(turn, "allowed");
  }
  const std::string why = decision.value("message", "no message");
  turn.session.deny(
      Json::object({{"tool_name", name}, {"tool_use_id", use_id}, {"tool_input", use["input"]}}));
  turn.session.toolResult(use_id, why, true);
  if (decision.value("interrupt", false)) return interrupted(turn);
  say(turn, "denied: " + why);
}

void structured(Turn& turn, const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  if (!turn.session.options().has("json-schema")) return say(turn, text);
  const Json use = useTool(turn, "StructuredOutput", value);
  turn.session.toolResult(use["id"].get<std::string>(), "Structured output provided successfully",
                          false);
  turn.answer = value.dump();
  turn.extra = Json::object({{"structured_output", value}, {"stop_reason", "tool_use"}});
}

void fail(Turn& turn, const std::string& text) {
  const std::string why = text.empty() ? "API Error: 500 scripted failure" : text;
  say(turn, why);
  finish(turn, "success", true,
         Json::object({{"result", why},
                       {"terminal_reason", "api_error"},
                       {"api_error_status", 500},
                       {"api_error_type", "api_error"},
                       {"stop_reason", "stop_sequence"}}));
}

void errorResult(Turn& turn, const std::string& text) {
  const auto [subtype, why] = split(text, ':');
  finish(turn, subtype.empty() ? "error_during_execution" : subtype, true,
         Json::object({{"errors", Json::array({why.empty() ? "scripted error" : why})}}));
}

void spend(Turn& turn, const std::string& text) {
  turn.session.spend(std::strtod(text.c_str(), nullptr));
  const std::string limit = turn.session.options().get("max-budget-usd");
  if (limit.empty() || turn.session.spentHere() < std::strtod(limit.c_str(), nullptr)) return;
  finish(turn, "error_max_budget_usd", true,
         Json::object({{"terminal_reason", "budget_exhausted"},
                       {"errors", Json::array({"Reached maximum budget ($" + limit + ")"})}}));
}

void garbage(Turn&, const std::string&) {
  writeRaw(
      "this is no JSON\n{\"type\":\n[1,2,3]\n\"text\"\n\xff\xfe\x80 bytes\n{\"no\":\"type\"}\n");
  writeRaw("{\"type\":\"no_such_record\",\"subtype\":{}}\n\n");
}

// One assistant record with a text of so many bytes, written in pieces.
void bigLine(Turn& turn, const std::string& text) {
  auto left = static_cast<std::size_t>(number(text, 1000000));
  turn.answer = "big line of " + std::to_string(left) + " bytes";
  writeRaw("{\"type\":\"assistant\",\"session_id\":\"" + turn.session.id() +
           "\",\"parent_tool_use_id\":null,\"message\":{\"role\":\"assistant\",\"content\":"
           "[{\"type\":\"text\",\"text\":\"");
  const std::string piece(std::min(left, kBigPieceBytes), 'x');
  for (; left > 0; left -= std::min(left, piece.size()))
    writeRaw(std::string_view(piece).substr(0, std::min(left, piece.size())));
  writeRaw("\"}]}}\n");
}

void flood(Turn& turn, const std::string& text) {
  const long count = number(text, 1000);
  for (long i = 1; i <= count; ++i) say(turn, "line " + std::to_string(i));
}

// A child that stays behind in our process group and keeps our stdout open.
void grandchild(Turn& turn, const std::string& how) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (how.find("setsid") != std::string::npos) setsid();
    signal(SIGTERM, how.find("stubborn") != std::string::npos ? SIG_IGN : SIG_DFL);
    for (;;) pause();
  }
  say(turn, "grandchild " + std::to_string(pid));
}

void runCommand(Turn& turn, const std::string& command) {
  std::string output;
  if (FILE* pipe = popen(command.c_str(), "r")) {
    std::array<char, 4096> bytes{};
    for (std::size_t size = 0; (size = fread(bytes.data(), 1, bytes.size(), pipe)) > 0;)
      output.append(bytes.data(), size);
    pclose(pipe);
  }
  while (output.ends_with('\n')) output.pop_back();
  say(turn, output);
}

void mcpCall(Turn& turn, const std::string& text) {
  const auto [server, rest] = split(text, ' ');
  const auto [tool, arguments] = split(rest, ' ');
  const Json input = Json::parse(arguments.empty() ? "{}" : arguments, nullptr, false);
  const Json use = useTool(turn, "mcp__" + server + "__" + tool, input);
  const std::string result =
      callMcpTool(mcpConfig(turn.session.options()), server, tool, arguments);
  turn.session.toolResult(use["id"].get<std::string>(), result, result.starts_with("mcp error"));
  say(turn, result);
}

void sayEnvironment(Turn& turn, const std::string& name) {
  const char* value = std::getenv(name.c_str());
  say(turn, value != nullptr ? value : "(not set)");
}

const std::map<std::string, Step>& steps() {
  static const std::map<std::string, Step> table = {
      {"say", say},
      {"think",
       [](Turn& turn, const std::string& text) {
         turn.session.assistant(
             Json::object({{"type", "thinking"}, {"thinking", text}, {"signature", "c2ln"}}));
       }},
      {"tool",
       [](Turn& turn, const std::string& text) {
         const auto [tool, input] = split(text, ' ');
         const Json use = useTool(turn, tool, inputOf(input));
         turn.session.toolResult(use["id"].get<std::string>(), "ok", false);
       }},
      {"ask-permission", askPermission},
      {"structured", structured},
      {"fail", fail},
      {"error", errorResult},
      {"spend", spend},
      {"sleep", sleepStep},
      {"hang", hang},
      {"silent", silent},
      {"garbage", garbage},
      {"bigline", bigLine},
      {"flood", flood},
      {"grandchild", grandchild},
      {"run", runCommand},
      {"mcp-call", mcpCall},
      {"env", sayEnvironment},
      {"option",
       [](Turn& turn, const std::string& name) { say(turn, turn.session.options().get(name)); }},
      {"prompts",
       [](Turn& turn, const std::string&) { say(turn, Json(turn.session.prompts()).dump()); }},
      {"pid", [](Turn& turn, const std::string&) { say(turn, std::to_string(getpid())); }},
      {"cwd",
       [](Turn& turn, const std::string&) { say(turn, std::filesystem::current_path().string()); }},
      {"stderr",
       [](Turn&, const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }},
      {"ignore-sigterm", [](Turn&, const std::string&) { signal(SIGTERM, SIG_IGN); }},
      {"exit0-without-result", [](Turn&, const std::string&) { std::_Exit(0); }},
      {"exit",
       [](Turn&, const std::string& code) { std::_Exit(static_cast<int>(number(code, 1))); }},
      {"crash", [](Turn&, const std::string&) { raise(SIGSEGV); }},
      {"kill-self", [](Turn&, const std::string&) { raise(SIGKILL); }},
      {"close-stdout", [](Turn&, const std::string&) { close(STDOUT_FILENO); }},
      {"half-line", [](Turn&, const std::string&) { writeRaw("{\"type\":\"assistant\",\"mess"); }},
  };
  return table;
}

// A line is a step if its first word, up to a colon, names one; anything else is answered in words.
void runStep(Turn& turn, const std::string& line) {
  const auto [verb, rest] = split(line, ':');
  const auto found = steps().find(verb);
  if (found != steps().end()) return found->second(turn, rest);
  say(turn, "fake: " + line);
}

}  // namespace

void answerControl(const Json& record) {
  Json answer = Json::object();
  const Json request = record.value("request", Json::object());
  if (request.value("subtype", "") == "interrupt") answer["still_queued"] = Json::array();
  if (request.value("subtype", "") == "initialize") answer["pid"] = getpid();
  Json response = Json::object({{"subtype", "success"},
                                {"request_id", record.value("request_id", "")},
                                {"response", std::move(answer)}});
  writeRecord(Json::object({{"type", "control_response"}, {"response", std::move(response)}}));
}

void runTurn(Session& session, Lines& lines, const std::string& prompt) {
  Turn turn{.session = session, .lines = lines};
  session.beginTurn(prompt);
  std::istringstream text(prompt);
  for (std::string line; !turn.ended && std::getline(text, line);)
    if (!line.empty()) runStep(turn, line);
  if (!turn.ended) turn.extra["result"] = turn.answer;
  session.result(turn.subtype, turn.is_error, turn.extra);
}

}  // namespace fake_claude
