// Claude Code's own agent files, as people write them.
#include <nlohmann/json.hpp>

#include "server/agents/blueprint.hpp"
#include "server/agents/blueprint_files.hpp"
#include "server/agents/blueprint_yaml.hpp"
#include "tests/agents/blueprint_folder.hpp"

namespace tutti::agents {
namespace {

Result<Blueprint> read(const std::string& content) {
  SourceFiles files;
  files["x.md"].content = content;
  std::vector<ParsedBlueprint> parsed = readClaudeTree({files, "/root"});
  return parsed.at(0).blueprint;
}

std::string refusal(const std::string& content) {
  const auto blueprint = read(content);
  return blueprint.ok() ? "was accepted" : blueprint.error().text();
}

TEST(BlueprintMarkdownTest, FrontMatterAndBodyBecomeABlueprint) {
  const auto blueprint = read(
      "---\nname: db-expert\ndescription: Knows \"SQL\"\ntools: Read, Bash(git log, git show), "
      "Grep\n"
      "disallowedTools:\n  - Write\n  - Edit\nmodel: opus\npermissionMode: acceptEdits\n"
      "maxTurns: 12\ncolor: red\nmemory: user\nhooks:\n  PreToolUse: []\n---\n\n# You\n\nknow.\n");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(blueprint->name, "db-expert");
  EXPECT_EQ(blueprint->description, "Knows \"SQL\"");
  EXPECT_EQ(blueprint->tools,
            (std::vector<std::string>{"Read", "Bash(git log, git show)", "Grep"}));
  EXPECT_EQ(blueprint->disallowed_tools, (std::vector<std::string>{"Write", "Edit"}));
  EXPECT_EQ(blueprint->model, "opus");
  EXPECT_EQ(blueprint->permission_mode, "acceptEdits");
  EXPECT_EQ(blueprint->max_turns, 12);
  EXPECT_EQ(blueprint->system_prompt, "# You\n\nknow.");
  EXPECT_EQ(blueprint->driver, "claude");
  EXPECT_EQ(blueprint->source, "/root/x.md");
}

TEST(BlueprintMarkdownTest, InheritedModelAndAllToolsAreLeftToClaude) {
  const auto blueprint =
      read("---\r\nname: a\r\ndescription: d\r\nmodel: inherit\r\ntools: '*'\r\n---\r\nx\r\n");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(blueprint->model, "");
  EXPECT_TRUE(blueprint->tools.empty());
}

TEST(BlueprintMarkdownTest, StatedButEmptyToolsAreNone) {
  EXPECT_EQ(read("---\nname: a\ndescription: d\ntools: []\n---\n")->tools,
            std::vector<std::string>{""});
  EXPECT_EQ(read("---\nname: a\ndescription: d\ntools: \"\"\n---\n")->tools,
            std::vector<std::string>{""});
  EXPECT_TRUE(read("---\nname: a\ndescription: d\ntools:\n---\n")->tools.empty());
}

TEST(BlueprintMarkdownTest, DescriptionThatIsNoYamlIsReadToTheEndOfItsLine) {
  const auto blueprint = read(
      "---\nname: a\ndescription: Use it when: things break. Examples:\\n<example>Context: it's "
      "red # really</example>\ntools: Read, Grep\n---\nbody");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(blueprint->description,
            "Use it when: things break. Examples:\\n<example>Context: it's red # really</example>");
  EXPECT_EQ(blueprint->tools, (std::vector<std::string>{"Read", "Grep"}));
}

TEST(BlueprintMarkdownTest, BlockTextsAreRead) {
  EXPECT_EQ(read("---\nname: a\ndescription: >\n  two\n  lines\n---\n")->description, "two lines");
  EXPECT_EQ(read("---\nname: a\ndescription: |\n  two\n  lines\n---\n")->description, "two\nlines");
}

TEST(BlueprintMarkdownTest, OnlyServersThatAreStatedAreTaken) {
  const auto blueprint = read(
      "---\nname: a\ndescription: d\nmcpServers:\n  - github\n  - pw:\n      type: stdio\n"
      "      command: npx\n      args: [\"-y\", \"@playwright/mcp\"]\n---\n");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(json::dump(blueprint->mcp_servers),
            R"({"pw":{"args":["-y","@playwright/mcp"],"command":"npx","type":"stdio"}})");
}

TEST(BlueprintMarkdownTest, WrongFilesAreRefusedWithAReason) {
  const struct {
    const char* content;
    const char* says;
  } cases[] = {
      {"", "does not begin with front matter"},
      {"hello\n", "does not begin with front matter"},
      {"---\nname: a\n", "the front matter does not end"},
      {"---\n---\n", "'name' is missing or empty"},
      {"---\nname: a\n---\n", "'description' is missing or empty"},
      {"---\nname: a b\ndescription: d\n---\n", "agent name 'a b' is no name"},
      {"---\n- a\n---\n", "must be \"key: value\" lines"},
      {"---\njust text\n---\n", "must be \"key: value\" lines"},
      {"---\nname: a\nname: b\ndescription: d\n---\n", "'name' is given twice"},
      {"---\nname: a\ndescription: d\npermissionMode: yolo\n---\n", "'permissionMode' is 'yolo'"},
      {"---\nname: a\ndescription: d\nmaxTurns: many\n---\n", "'maxTurns' is 'many'"},
      {"---\nname: a\ndescription: d\nmaxTurns: 0\n---\n", "'maxTurns' is '0'"},
      {"---\nname: a\ndescription: [unclosed\n---\n", "no YAML in its line"},
      {"---\nname: &n a\ndescription: *n\n---\n", "an anchor or an alias"},
      {"---\nname: a\ndescription: d\nmcpServers:\n  x: {url: 'ftp://x'}\n---\n",
       "'url' is 'ftp://x'"},
      {"---\nname: a\ndescription: \xFF\n---\n", "not UTF-8"},
  };
  for (const auto& one : cases) {
    const std::string said = refusal(one.content);
    EXPECT_NE(said.find(one.says), std::string::npos) << one.content << "\n  said: " << said;
  }
}

TEST(BlueprintYamlTest, AliasBombIsRefusedAtItsFirstAnchor) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before = std::string("*") + static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [" + before;
    for (int i = 0; i < 8; ++i) bomb += "," + before;
    bomb += "]\n";
  }
  const auto parsed = parseYamlMapping(bomb);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), Code::InvalidArgument);
}

TEST(BlueprintYamlTest, DepthSizeAndCountAreLimitedAtTheirBounds) {
  const auto nested = [](std::size_t depth) {
    return "a: " + std::string(depth, '[') + std::string(depth, ']') + "\n";
  };
  EXPECT_TRUE(parseYamlMapping(nested(15)).ok());
  EXPECT_EQ(parseYamlMapping(nested(16)).error().code(), Code::ResourceExhausted);
  EXPECT_EQ(parseYamlMapping(nested(30'000)).error().code(), Code::ResourceExhausted);
  std::string below_long_key = "? " + std::string(10'000, 'k') + "\n: [v";
  for (int i = 0; i < 1'000; ++i) below_long_key += ", v";
  below_long_key += "]\n";
  EXPECT_TRUE(parseYamlMapping(below_long_key).ok());
  EXPECT_EQ(parseYamlDocument(below_long_key, {}).error().code(), Code::ResourceExhausted);
  const std::string exact = "a: " + std::string(64 * 1024 - 4, 'x') + "\n";
  EXPECT_TRUE(parseYamlMapping(exact).ok());
  EXPECT_EQ(parseYamlMapping(exact + "\n").error().code(), Code::ResourceExhausted);
  YamlLimits four;
  four.nodes_max = 5;  // the key, the list and three words; the mapping itself comes last
  EXPECT_EQ(parseYamlMapping("a: [1, 2, 3]\n", four).error().code(), Code::ResourceExhausted);
  four.nodes_max = 6;
  EXPECT_TRUE(parseYamlMapping("a: [1, 2, 3]\n", four).ok());
}

TEST(BlueprintYamlTest, GarbageNeverEndsTheProgram) {
  unsigned seed = 7;
  for (int round = 0; round < 3000; ++round) {
    std::string text = "name: a\n";
    for (int i = 0; i < 40; ++i) {
      seed = seed * 1664525U + 1013904223U;
      text.push_back("-:[]{}#&*!|>'\"%@`? \n\tab\\,~"[(seed >> 16) % 27]);
    }
    (void)parseYamlMapping(text).ok();
  }
}

}  // namespace
}  // namespace tutti::agents
