// A stand-in for Claude Code 2.1.329 that starts in milliseconds: the same wire, and behaviour
// chosen by the text of the prompt. What it imitates is recorded from the real one in transcripts/;
// the steps a prompt may hold are listed in README.md.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/fakes/claude/options.hpp"
#include "tests/fakes/claude/session.hpp"
#include "tests/fakes/claude/turn.hpp"
#include "tests/fakes/claude/wire.hpp"

extern char** environ;

namespace fake_claude {
namespace {

// Every start leaves a line in the config folder, so that a test can see argv, cwd and environment.
void logStart(int count, char** arguments) {
  Json argv = Json::array();
  for (int i = 0; i < count; ++i) argv.push_back(arguments[i]);
  Json env = Json::object();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    env[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  std::error_code ignored;
  std::filesystem::create_directories(configFolder(), ignored);
  std::ofstream out(configFolder() / "fake-claude.ndjson", std::ios::app);
  out << Json::object({{"pid", getpid()},
                       {"pgid", getpgrp()},
                       {"cwd", std::filesystem::current_path().string()},
                       {"argv", std::move(argv)},
                       {"env", std::move(env)}})
             .dump(-1, ' ', false, Json::error_handler_t::replace)
      << std::endl;
}

// The real one catches SIGTERM, prints nothing and exits with 143.
void exitOnTerm(int) {
  std::_Exit(143);
}

std::string textOf(const Json& message) {
  const Json content = message.value("content", Json());
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  for (const auto& block : content)
    if (block.value("type", "") == "text") text += block.value("text", "");
  return text;
}

int badLine(const std::string& line) {
  std::fprintf(stderr,
               "Error parsing streaming input line (type=unknown, %zu chars): SyntaxError\n",
               line.size());
  return 1;
}

int serve(Session& session) {
  Lines lines;
  while (const auto line = lines.next(-1)) {
    const Json record = Json::parse(*line, nullptr, false);
    if (!record.is_object()) return badLine(*line);
    const std::string type = record.value("type", "");
    if (type == "user") runTurn(session, lines, textOf(record.value("message", Json::object())));
    if (type == "control_request") answerControl(record);
  }
  return session.lastWasError() ? 1 : 0;
}

int run(const Options& options) {
  if (options.has("version")) return std::puts("2.1.329 (Claude Code)") < 0 ? 1 : 0;
  if (!options.error.empty()) {
    std::fprintf(stderr, "%s\n", options.error.c_str());
    return 1;
  }
  Session session(options);
  if (!session.problem().empty()) return session.reportProblem();
  if (options.get("input-format") == "stream-json") return serve(session);
  Lines none;
  runTurn(session, none, options.words.empty() ? "" : options.words.front());
  return session.lastWasError() ? 1 : 0;
}

}  // namespace
}  // namespace fake_claude

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, fake_claude::exitOnTerm);
  const fake_claude::Options options = fake_claude::parseOptions(count, arguments);
  if (!options.has("version")) fake_claude::logStart(count, arguments);
  return fake_claude::run(options);
}
