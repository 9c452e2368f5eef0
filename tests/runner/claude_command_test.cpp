#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/runner/drivers/claude_command.hpp"
#include "server/runner/drivers/conversation.hpp"
#include "server/runner/drivers/permission_rules.hpp"
#include "server/runner/prompt.hpp"

namespace tutti::runner {
namespace {

using Words = std::vector<std::string>;
const Words kBase = {
    "-p",        "--input-format",           "stream-json", "--output-format", "stream-json",
    "--verbose", "--permission-prompt-tool", "stdio"};

class ClaudeArguments : public testing::Test {
 protected:
  ClaudeArguments()
      : folder_(std::filesystem::temp_directory_path() / ("tutti-args-" + randomHex(6))) {
    std::filesystem::create_directories(folder_);
    spec_.command = {"/usr/bin/claude"};
  }
  ~ClaudeArguments() override { std::filesystem::remove_all(folder_); }

  Words words(const ClaudeStart& start = {ClaudeStart::Kind::New, "id-1"}) {
    Result<Words> made = claudeArguments(spec_, start, folder_);
    EXPECT_TRUE(made.ok());
    return made.ok() ? std::move(made).value() : Words();
  }
  /// The word after `flag`, or "" without it.
  std::string valueOf(const Words& list, const std::string& flag) {
    const auto found = std::find(list.begin(), list.end(), flag);
    return found == list.end() || found + 1 == list.end() ? "" : *(found + 1);
  }

  std::filesystem::path folder_;
  HostSpec spec_;
};

TEST_F(ClaudeArguments, PlainSessionNeedsLittle) {
  Words expected = {"/usr/bin/claude"};
  expected.insert(expected.end(), kBase.begin(), kBase.end());
  expected.insert(expected.end(), {"--session-id", "id-1", "--disallowedTools", "AskUserQuestion",
                                   "--strict-mcp-config"});
  EXPECT_EQ(words(), expected);
}

TEST_F(ClaudeArguments, ServersOfTheSettingsStayOutWhateverTheBlueprintHas) {
  for (const Json& servers : {Json(), Json::object(), Json{{"a", {{"command", "/a"}}}}}) {
    spec_.mcp_servers = servers;
    const Words list = words();
    EXPECT_EQ(std::count(list.begin(), list.end(), "--strict-mcp-config"), 1) << servers.dump();
  }
}

TEST_F(ClaudeArguments, EverythingOfTheBlueprintIsPassedOn) {
  spec_.model = "opus";
  spec_.permission_mode = "acceptEdits";
  spec_.allowed_tools = {"Bash(git *)", "mcp__tutti"};
  spec_.disallowed_tools = {"WebFetch"};
  spec_.tools = {"Bash", "Edit"};
  spec_.add_dirs = {"/a", "/b"};
  spec_.setting_sources = "project";
  spec_.max_budget_usd = 0.5;
  spec_.max_turns = 7;
  spec_.output_schema = {{"type", "object"}};
  spec_.system_prompt = "be brief";
  const Words list = words({ClaudeStart::Kind::Resume, "id-2"});
  EXPECT_EQ(valueOf(list, "--resume"), "id-2");
  EXPECT_EQ(valueOf(list, "--session-id"), "");
  EXPECT_EQ(valueOf(list, "--model"), "opus");
  EXPECT_EQ(valueOf(list, "--permission-mode"), "acceptEdits");
  EXPECT_EQ(valueOf(list, "--allowedTools"), "Bash(git *),mcp__tutti");
  EXPECT_EQ(valueOf(list, "--disallowedTools"), "WebFetch,AskUserQuestion");
  EXPECT_EQ(valueOf(list, "--tools"), "Bash,Edit");
  EXPECT_EQ(std::count(list.begin(), list.end(), "--add-dir"), 2);
  EXPECT_EQ(valueOf(list, "--setting-sources"), "project");
  EXPECT_EQ(valueOf(list, "--max-budget-usd"), "0.5");
  EXPECT_EQ(valueOf(list, "--max-turns"), "7");
  EXPECT_EQ(valueOf(list, "--json-schema"), "{\"type\":\"object\"}");
  EXPECT_EQ(valueOf(list, "--append-system-prompt"), "be brief");
}

TEST_F(ClaudeArguments, SystemPromptMayReplace) {
  spec_.system_prompt = "all of it";
  spec_.system_prompt_mode = "replace";
  EXPECT_EQ(valueOf(words(), "--system-prompt"), "all of it");
}

TEST_F(ClaudeArguments, LongSystemPromptGoesThroughAFile) {
  spec_.system_prompt = std::string(65'536, 'x');
  EXPECT_EQ(valueOf(words(), "--append-system-prompt"), spec_.system_prompt);
  spec_.system_prompt += 'x';
  const std::string file = valueOf(words(), "--append-system-prompt-file");
  EXPECT_EQ(readFile(file, 100'000).value(), spec_.system_prompt);
}

TEST_F(ClaudeArguments, McpServersAreInAFileOfThisUser) {
  spec_.mcp_servers = {{"tutti", {{"command", "/t"}, {"env", {{"KEY", "secret"}}}}}};
  const Words list = words();
  const std::string file = valueOf(list, "--mcp-config");
  EXPECT_NE(std::find(list.begin(), list.end(), "--strict-mcp-config"), list.end());
  const Result<Json> config = json::parse(readFile(file, 10'000).value());
  EXPECT_EQ((*config)["mcpServers"], spec_.mcp_servers);
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(ClaudeRecords, APromptIsMarkedAsComposedSoThatNothingInItIsExpanded) {
  const Json record = json::parse(userRecord("/compact @file")).value();
  EXPECT_EQ(record["client_composed"], true);
  EXPECT_EQ(record["message"]["content"][0]["text"], "/compact @file");
}

struct RuleCase {
  const char* rule;
  const char* tool;
  const char* input;
  RuleUse use;
  bool matches;
};

TEST(PermissionRules, MatchAsClaudeCodeDoes) {
  constexpr auto kAllow = RuleUse::Allow;
  constexpr auto kDeny = RuleUse::Deny;
  const RuleCase cases[] = {
      {"Bash", "Bash", R"({"command":"rm -rf /"})", kAllow, true},
      {"Bash", "BashOutput", "{}", kAllow, false},
      {"Bash(git *)", "Bash", R"({"command":"git status"})", kAllow, true},
      {"Bash(git *)", "Bash", R"({"command":"git"})", kAllow, true},
      {"Bash(git *)", "Bash", R"({"command":"gitk"})", kAllow, false},
      {"Bash(git:*)", "Bash", R"({"command":"git log -1"})", kAllow, true},
      {"Bash(git *)", "Bash", R"({"command":"git status && rm -rf /"})", kAllow, false},
      {"Bash(git *)", "Bash", R"-({"command":"git log $(rm x)"})-", kAllow, false},
      {"Bash(git *)", "Bash", R"({"command":"git log\nrm x"})", kAllow, false},
      {"Bash(git *)", "Bash", R"({"command":"git log > /etc/passwd"})", kAllow, false},
      {"Bash(rm *)", "Bash", R"({"command":"ls; rm -rf x"})", kDeny, true},
      {"Bash(rm *)", "Bash", R"-({"command":"echo $(rm x)"})-", kDeny, true},
      {"Bash(npm run test)", "Bash", R"({"command":"npm run test"})", kAllow, true},
      {"Bash(npm run test)", "Bash", R"({"command":"npm run test2"})", kAllow, false},
      {"mcp__tutti__*", "mcp__tutti__start_agent", "{}", kAllow, true},
      {"mcp__tutti", "mcp__tutti__stop", "{}", kAllow, true},
      {"mcp__tutti", "mcp__tuttix__stop", "{}", kAllow, false},
      {"mcp__tutti__stop", "mcp__tutti__start", "{}", kAllow, false},
      {"Write(/w/*)", "Write", R"({"file_path":"/w/a.txt"})", kAllow, true},
      {"Write(//w/**)", "Write", R"({"file_path":"/w/a/b.txt"})", kAllow, true},
      {"Write(/w/*)", "Write", R"({"file_path":"/w/../etc/passwd"})", kAllow, false},
      {"Write(/w/*)", "Edit", R"({"file_path":"/w/a.txt"})", kAllow, false},
      {"WebFetch(domain:example.org)", "WebFetch", R"({"url":"https://example.org/x"})", kAllow,
       true},
      {"WebFetch(domain:example.org)", "WebFetch", R"({"url":"https://example.org.evil/"})", kAllow,
       false},
      {"WebFetch(domain:example.org)", "WebFetch", R"({"url":"https://example.org@evil/"})", kAllow,
       false},
      {"Bash(git *)", "Bash", "null", kAllow, false},
      {"Bash(git *)", "Bash", R"({"command":7})", kAllow, false},
      {"*", "Anything", "{}", kAllow, true},
  };
  for (const RuleCase& one : cases) {
    const Json input = json::parse(one.input).value();
    EXPECT_EQ(ruleMatches(one.rule, one.tool, input, one.use), one.matches)
        << one.rule << " on " << one.tool << " " << one.input;
  }
}

TEST(PermissionRules, DenyWinsAndSilenceIsNoAnswer) {
  const Json input = {{"command", "git push"}};
  EXPECT_FALSE(answerByRules({"Bash(git *)"}, {"Bash(git push)"}, "Bash", input)->allow);
  EXPECT_TRUE(answerByRules({"Bash(git *)"}, {}, "Bash", input)->allow);
  EXPECT_FALSE(answerByRules({"Edit"}, {"Write"}, "Bash", input).has_value());
}

TEST(Losses, AreNamedOneByOne) {
  const Conversation before{"a", "opus", "/x", true};
  EXPECT_TRUE(lossesBetween({"a", "opus", "/x", false}, {"a", "opus", "/x", false}).empty());
  EXPECT_TRUE(lossesBetween({"a", "", "", false}, {"a", "opus", "/x", false}).empty());
  EXPECT_EQ(
      lossesBetween(before, {"b", "haiku", "/y", true}),
      (Words{"the agent continued conversation a as b", "the model changed from opus to haiku",
             "the project folder changed from /x to /y",
             "the agent has compacted the conversation"}));
}

TEST(FormatPrompt, APromptAloneIsItself) {
  EXPECT_EQ(formatPrompt({{"prompt", "do it\nnow"}}), "do it\nnow");
}

TEST(FormatPrompt, OtherParametersStandInABlock) {
  EXPECT_EQ(
      formatPrompt({{"a", "one line"},
                    {"b", "two\nlines"},
                    {"c", {1, 2}},
                    {"d", nullptr},
                    {"e", true},
                    {"f", {{"k", "v"}}}}),
      "<inputs>\na: one line\nb:\n  two\n  lines\nc: [1,2]\nd: null\ne: true\nf: {\"k\":\"v\"}\n"
      "</inputs>");
  EXPECT_EQ(formatPrompt({{"prompt", "x"}, {"n", 1}}), "<inputs>\nn: 1\nprompt: x\n</inputs>");
}

}  // namespace
}  // namespace tutti::runner
