// The program from a shell: pipes, exit statuses, help, completion, logs.
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>

#include "tests/integration/fakes.hpp"
#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

class CommandLineTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(CommandLineTest, AloneItExplainsItself) {
  const Ran ran = runTutti(folder_, {});
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.out.find("claude mcp add tutti -- tutti stdio"), std::string::npos) << ran.out;
}

TEST_F(CommandLineTest, EveryCommandHasHelp) {
  for (const char* command : {"stdio", "serve", "call", "tools", "blueprints", "packs", "sessions",
                              "events", "survey", "doctor", "completion", "doc"}) {
    const Ran ran = runTutti(folder_, {command, "--help"});
    EXPECT_EQ(ran.status, 0) << command << ran.err;
    EXPECT_FALSE(ran.out.empty()) << command;
  }
}

TEST_F(CommandLineTest, AnUnknownCommandIsBadUsage) {
  const Ran ran = runTutti(folder_, {"dance"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.err.find("dance"), std::string::npos) << ran.err;
}

TEST_F(CommandLineTest, WhatWasPerhapsMeantIsSaid) {
  struct Case {
    std::vector<std::string> words;
    std::string said;
  };
  for (const Case& one : std::vector<Case>{
           {{"rout", "x"}, "tutti: unknown command 'rout'\n       did you mean route?\n"},
           {{"doc", "serch", "x"}, "tutti: unknown command 'serch'\n       did you mean search?\n"},
           {{"doc", "push", "f", "--tagg", "x"},
            "tutti: unknown option '--tagg'\n       did you mean --tag?\n"},
           {{"--blueprint=x", "tools"},
            "tutti: unknown option '--blueprint'\n       did you mean --blueprints?\n"},
           {{"sessions", "all"},
            "tutti: 'all' is one word too many\n       see: tutti sessions --help\n"},
           {{"route", "fix", "a", "test"},
            "tutti: 'a' is one word too many\n"
            "       put words that belong together in quotes, or see: tutti route --help\n"},
           {{"route"},
            "tutti: a request, in quotes, is required\n       see: tutti route --help\n"},
           {{"events"}, "tutti: session is required\n       see: tutti events --help\n"}}) {
    const Ran ran = runTutti(folder_, one.words);
    EXPECT_EQ(ran.status, 2);
    EXPECT_EQ(ran.err, one.said);
  }
  const Ran ran = runTutti(folder_, {"doc"});
  EXPECT_NE(ran.err.find("tutti doc wants a command: push, pull"), std::string::npos) << ran.err;
}

TEST_F(CommandLineTest, HelpFitsATerminalAndBeginsWithTheCommands) {
  const std::string alone = runTutti(folder_, {}).out;
  EXPECT_LE(countOf(alone, "\n"), 30) << alone;
  const std::string all = runTutti(folder_, {"--help"}).out;
  EXPECT_LT(all.find("Put, find, read and change shared documents"), all.find("--blueprints"));
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  const std::string push = runTutti(folder_, {"doc", "push", "--help"}).out;
  EXPECT_NE(push.find("--expected-version"), std::string::npos) << push;
  EXPECT_NE(push.find("tutti --help"), std::string::npos) << push;
}

TEST_F(CommandLineTest, AFolderThatCannotBeMadeIsRefusedWithWhereToGiveAnother) {
  const std::string file = folder_.write("a-file", "").string();
  const Ran ran = runTutti(folder_, {"--data", file + "/store", "sessions"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.err.find("a-file"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("--data or TUTTI_DATA"), std::string::npos) << ran.err;
}

TEST_F(CommandLineTest, WhyAgentsCannotStartIsSaidOnce) {
  const Ran ran = runTutti(folder_, {"--claude", "no-such-program", "blueprints"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(countOf(ran.out, "'no-such-program' is not installed"), 1) << ran.out;
  EXPECT_NE(ran.out.find("(cannot start)"), std::string::npos) << ran.out;
}

TEST_F(CommandLineTest, EventsTellWhoSaidWhat) {
  const std::string claude = fakeProgram("claude_fake");
  const Ran started =
      runTutti(folder_, {"--claude", claude, "call", "start_agent",
                         R"({"prompt": "say hi", "name": "talk", "mode": "sync", "wait_s": 50})"});
  ASSERT_EQ(started.status, 0) << started.err;
  const Ran ran = runTutti(folder_, {"events", "talk"});
  EXPECT_NE(ran.out.find("user: say hi"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("assistant: "), std::string::npos) << ran.out;
  runTutti(folder_, {"call", "stop", R"({"session_id": "talk"})"});
}

TEST_F(CommandLineTest, CompletionScriptsNameTheCommands) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = runTutti(folder_, {"completion", shell});
    EXPECT_EQ(ran.status, 0) << shell;
    for (const char* command : {"stdio", "serve", "call", "events"})
      EXPECT_NE(ran.out.find(command), std::string::npos) << shell;
    EXPECT_EQ(ran.out.find("run-host"), std::string::npos) << shell;
  }
}

TEST_F(CommandLineTest, DoctorTellsWhatIsWrongInBlueprintsAndRules) {
  folder_.write("blueprints/routing/mine.yaml",
                "strategies:\n  bills:\n    description: Bills\n    when: {intent: create}\n"
                "    then: {type: single_agent, agent: reseacher}\n");
  folder_.write("blueprints/agents/broken/agent.json", R"({"name": "broken", "type": 3})");
  ASSERT_EQ(runTutti(folder_, {"call", "list_sessions"}).status, 0);
  const Ran ran = runTutti(folder_, {"doctor"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.out.find("mine.yaml:5: strategies.bills.then.agent: "), std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("researcher"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("broken/agent.json"), std::string::npos) << ran.out;
  const Json told = Json::parse(runTutti(folder_, {"doctor", "--json"}).out);
  ASSERT_EQ(told["problems"].size(), 2U) << told.dump(2);
  EXPECT_EQ(told["problems"][1]["line"], 5);
  EXPECT_FALSE(told["problems"][1]["hint"].get<std::string>().empty());
}

TEST_F(CommandLineTest, CallTellsByItsExitStatusHowItWent) {
  EXPECT_EQ(runTutti(folder_, {"call", "list_sessions"}).status, 0);
  const Ran failed = runTutti(folder_, {"call", "stop", R"({"session_id":"ses_0"})"});
  EXPECT_EQ(failed.status, 1);
  EXPECT_NE(failed.err.find("session 'ses_0' not found"), std::string::npos) << failed.err;
  EXPECT_EQ(runTutti(folder_, {"call", "no_such_tool"}).status, 2);
  EXPECT_EQ(runTutti(folder_, {"call", "stop", "{"}).status, 2);
  EXPECT_EQ(runTutti(folder_, {"call", "stop", "[]"}).status, 2);
}

TEST_F(CommandLineTest, BeyondThisMachineATokenIsNeeded) {
  const Ran open = runTutti(folder_, {"serve", "--host", "0.0.0.0", "--port", "0"});
  EXPECT_NE(open.status, 0);
  EXPECT_NE(open.err.find("--token-file"), std::string::npos) << open.err;
  const auto empty = folder_.write("token", "\nsecond line\n").string();
  const Ran none =
      runTutti(folder_, {"serve", "--host", "0.0.0.0", "--port", "0", "--token-file", empty});
  EXPECT_NE(none.status, 0);
  EXPECT_NE(none.err.find("is empty"), std::string::npos) << none.err;
  const Ran both = runTutti(folder_, {"serve", "--token-file", empty, "--token", "x"});
  EXPECT_NE(both.status, 0);
  EXPECT_NE(both.err.find("give one of them"), std::string::npos) << both.err;
  const Ran spaces = runTutti(folder_, {"serve", "--token", "two words"});
  EXPECT_NE(spaces.status, 0);
  EXPECT_EQ(spaces.err.find("two words"), std::string::npos) << "a secret in an error";
}

TEST_F(CommandLineTest, ACertificateNeedsItsKey) {
  const Ran ran = runTutti(folder_, {"serve", "--tls-cert", "cert.pem"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.err.find("--tls-key"), std::string::npos) << ran.err;
}

TEST_F(CommandLineTest, AStoreThatCannotBeMadeIsSaid) {
  folder_.write("data", "a file where the folder should be");
  const Ran ran = runTutti(folder_, {"call", "list_sessions"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.err.find("data"), std::string::npos) << ran.err;
}

TEST_F(CommandLineTest, OneLineThroughAPipeIsAnsweredBeforeTheEnd) {
  TuttiProcess tutti(folder_);
  tutti.sendLine(R"({"jsonrpc":"2.0","id":7,"method":"ping"})");
  tutti.closeInput();
  const Json answer = tutti.receive();
  EXPECT_EQ(answer["id"], 7);
  EXPECT_EQ(tutti.wait(), 0);
}

TEST_F(CommandLineTest, StdoutCarriesTheProtocolAloneWhateverIsLogged) {
  writeProgram(folder_, "quick", "echo 1; echo aside >&2");
  TuttiProcess tutti(folder_, {.arguments = {"stdio", "--log-level", "debug"}});
  tutti.call("start_agent",
             {{"blueprint", "quick"}, {"parameters", Json::object()}, {"mode", "sync"}});
  tutti.closeInput();
  std::istringstream rest(tutti.readRest());
  for (std::string line; std::getline(rest, line);)
    EXPECT_EQ(Json::parse(line, nullptr, false).value("jsonrpc", ""), "2.0") << line;
  EXPECT_EQ(tutti.wait(), 0);
}

TEST_F(CommandLineTest, HostileMessagesAreRefusedAndTheNextIsServed) {
  TuttiProcess tutti(folder_);
  tutti.sendLine(std::string(10'000, '['));
  EXPECT_EQ(tutti.receive()["error"]["code"], -32700);
  tutti.sendLine("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xff\xfe\"}");
  EXPECT_EQ(tutti.receive()["error"]["code"], -32700);
  tutti.sendLine("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"" +
                 std::string(100U * 1024 * 1024, 'x') + "\"}");
  EXPECT_TRUE(tutti.receive().contains("error"));
  tutti.sendLine(R"({"jsonrpc":"2.0","id":9,"method":"ping"})");
  EXPECT_EQ(tutti.receive()["id"], 9);
}

TEST_F(CommandLineTest, ToolsetsChooseWhatIsPublished) {
  TuttiProcess few(folder_, {.arguments = {"stdio", "--toolsets", "agents"}});
  const Json agents = few.request("tools/list")["result"]["tools"];
  TuttiProcess all(folder_, {.arguments = {"stdio", "--toolsets", "all"}});
  const Json every = all.request("tools/list")["result"]["tools"];
  EXPECT_LT(agents.size(), every.size());
  EXPECT_EQ(every, all.request("tools/list")["result"]["tools"]);
  const Ran bad = runTutti(folder_, {"tools", "--toolsets", "nope"});
  EXPECT_EQ(bad.status, 2);
  EXPECT_NE(bad.err.find("nope"), std::string::npos) << bad.err;
}

TEST_F(CommandLineTest, ServeEndsCleanlyOnSigterm) {
  const std::string port_file = (folder_.path() / "port").string();
  TuttiProcess serve(folder_, {.arguments = {"serve", "--port", "0", "--port-file", port_file}});
  ASSERT_TRUE(waitForFile(port_file));
  serve.kill(SIGTERM);
  EXPECT_EQ(serve.wait(), 0);
}

}  // namespace
}  // namespace tutti::test
