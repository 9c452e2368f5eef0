// agent.json and what stands beside it.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "server/agents/blueprint.hpp"
#include "server/agents/blueprint_files.hpp"
#include "tests/agents/blueprint_folder.hpp"

namespace tutti::agents {
namespace {

class BlueprintAofTest : public testing::Test {
 protected:
  Result<Blueprint> read(const std::string& members) {
    folder_.agent("a", members);
    return find("a");
  }
  Result<Blueprint> find(const std::string& name) {
    BlueprintCatalog::Options options;
    options.folders = {folder_.root()};
    options.embedded = false;
    BlueprintCatalog catalog(options);
    return catalog.find(name);
  }
  std::string refusal(const std::string& members) {
    const auto read_back = read(members);
    return read_back.ok() ? "was accepted" : read_back.error().text();
  }
  BlueprintFolder folder_;
};

TEST_F(BlueprintAofTest, LeastFileIsAnAutonomousClaudeAgent) {
  const auto blueprint = read("");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(blueprint->type, BlueprintType::Autonomous);
  EXPECT_EQ(blueprint->driver, "claude");
  EXPECT_TRUE(blueprint->tutti_tools);
  EXPECT_TRUE(blueprint->routable);
  EXPECT_TRUE(blueprint->active);
  EXPECT_EQ(blueprint->folder, (folder_ / "agents/a").string());
  EXPECT_EQ(
      json::dump(effectiveParametersSchema(*blueprint)),
      R"({"additionalProperties":false,"properties":{"prompt":{"minLength":1,"type":"string"}},)"
      R"("required":["prompt"],"type":"object"})");
}

TEST_F(BlueprintAofTest, EveryMemberSurvivesTheSnapshot) {
  folder_.write("agents/a/agent.system-prompt.md", "Be good.\n\n");
  folder_.write("agents/a/agent.mcp.json",
                R"({"mcpServers":{"s":{"command":"x","args":["1"],"env":{"A":"${env.A}"}},
                                   "h":{"url":"https://h/mcp","headers":{"K":"v"}}}})");
  const auto blueprint = read(R"("model":"opus","permission_mode":"plan","tools":["Read"],
      "allowed_tools":["Bash(git *) "],"disallowed_tools":["Write"],"add_dirs":["/x"],
      "setting_sources":["user","project"],"max_budget_usd":1.5,"max_turns":7,"timeout_s":9,
      "idle_max_s":8,"permission_timeout_s":7,"tutti_tools":false,"routable":false,"env":["FOO"],
      "system_prompt_mode":"replace","tags":["t"],"skills":["s"],"aliases":["b"],"examples":["do it"],
      "parameters_schema":{"type":"object"},"output_schema":{"type":"object"},
      "demands":{"tags":["x"]},"hooks":{},"x-mine":1,"icon":"foreign"
  )");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(blueprint->system_prompt, "Be good.");
  EXPECT_EQ(blueprint->setting_sources, "user,project");
  EXPECT_EQ(blueprint->mcp_servers["h"]["type"], "http");
  EXPECT_EQ(blueprint->mcp_servers["s"]["env"]["A"], "${env.A}");
  const Json snapshot = toJson(*blueprint);
  const auto again = blueprintFromJson(snapshot);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(json::dump(toJson(*again)), json::dump(snapshot));
  EXPECT_EQ(again->max_turns, 7);
  EXPECT_EQ(again->aliases, std::vector<std::string>{"b"});
  EXPECT_EQ(again->examples, std::vector<std::string>{"do it"});
  EXPECT_EQ(again->timeout_s, 9);
  EXPECT_FALSE(again->tutti_tools);
  EXPECT_FALSE(again->routable);
}

TEST_F(BlueprintAofTest, WrongMembersAreNamedWithValueAndRemedy) {
  const struct {
    const char* members;
    const char* says;
  } cases[] = {
      {R"("permision_mode":"plan")",
       "unknown member 'permision_mode' (did you mean 'permission_mode'?"},
      {R"("permission_mode":"yolo")", "'permission_mode' is 'yolo' (use one of default,"},
      {R"("type":"magic")", "'type' is 'magic' (use one of autonomous and procedural)"},
      {R"("driver":"codex")", "'driver' is 'codex' (use one of claude and process)"},
      {R"("driver":"process")", "driver 'process' does not run an autonomous agent"},
      {R"("type":"procedural")", "a procedural agent needs \"command\" or \"script\""},
      {R"("type":"procedural","command":["a"],"driver":"claude")", "does not run a procedural"},
      {R"("type":"procedural","command":["a"],"script":"s")", "both \"command\" and \"script\""},
      {R"("command":["x"])", "an autonomous agent has no \"command\""},
      {R"("type":"procedural","command":["../x/run"])", "leaves the folder"},
      {R"("type":"procedural","command":["./a/../../run"])", "leaves the folder"},
      {R"("type":"procedural","command":[""])", "begins with an empty word"},
      {R"("type":"procedural","command":"x y")", "'command' must be an array of strings"},
      {R"("max_turns":0)", "'max_turns' is 0 (give a number from 1 to 1000000)"},
      {R"("max_turns":1.5)", "'max_turns' must be an integer"},
      {R"("max_budget_usd":0)", "'max_budget_usd' must be greater than 0"},
      {R"("timeout_s":-1)", "'timeout_s' is -1"},
      {R"("timeout_s":2592001)", "'timeout_s' is 2592001"},
      {R"("setting_sources":"user,home")", "'setting_sources' has 'home'"},
      {R"("env":["A=b"])", "'env' has 'A=b'"},
      {R"("tutti_tools":"no")", "'tutti_tools' must be a boolean"},
      {R"("system_prompt_mode":"prefix")", "'system_prompt_mode' is 'prefix'"},
      {R"("parameters_schema":{"type":"strin"})", "'parameters_schema' is no JSON Schema"},
      {R"("output_schema":{"$ref":"#/nowhere"})", "'output_schema' is no JSON Schema"},
      {R"("parameters_schema":[])", "'parameters_schema' must be an object"},
      {R"("capabilities":["nope"])", "unknown capability 'nope'"},
      {R"("capabilities":["../agents/a"])", "unknown capability '../agents/a'"},
      {R"("type":"procedural","script":"nope")", "unknown script 'nope'"},
  };
  for (const auto& one : cases) {
    const std::string said = refusal(one.members);
    EXPECT_NE(said.find(one.says), std::string::npos) << one.members << "\n  said: " << said;
  }
}

TEST_F(BlueprintAofTest, LimitsAreInclusive) {
  EXPECT_TRUE(read(R"("timeout_s":2592000,"max_turns":1,"permission_timeout_s":86400)").ok());
}

TEST_F(BlueprintAofTest, NameRuleIsAofs) {
  const auto named = [&](const std::string& name) {
    folder_.write("agents/a/agent.json", R"({"name":")" + name + R"(","description":"d"})");
    return find("a").ok();
  };
  EXPECT_TRUE(named("A1_b-c"));
  EXPECT_TRUE(named(std::string(60, 'x')));
  EXPECT_FALSE(named(std::string(61, 'x')));
  EXPECT_FALSE(named("-a"));
  EXPECT_FALSE(named("a b"));
  EXPECT_FALSE(named("../a"));
  EXPECT_FALSE(named(""));
}

TEST_F(BlueprintAofTest, EmptyToolListIsNoneAndAbsentIsAll) {
  EXPECT_EQ(read(R"("tools":[])")->tools, std::vector<std::string>{""});
  EXPECT_TRUE(read("")->tools.empty());
}

TEST_F(BlueprintAofTest, ScriptGivesCommandAndItsSchemaSupersedes) {
  folder_.write("scripts/hello/script.json",
                R"({"name":"hello","description":"says it","script_file":"hello.sh",
                    "parameters_schema":{"type":"object","required":["who"]}})");
  folder_.write("scripts/hello/hello.sh", "#!/bin/sh -e\necho hi\n");
  const std::string members =
      R"("type":"procedural","script":"hello","parameters_schema":{"type":"object"})";
  const auto unmarked = read(members);
  ASSERT_TRUE(unmarked.ok()) << unmarked.error().text();
  const std::string path = (folder_ / "scripts/hello/hello.sh").string();
  EXPECT_EQ(unmarked->command, (std::vector<std::string>{"/bin/sh", "-e", path}));
  EXPECT_EQ(unmarked->parameters_schema["required"][0], "who");
  EXPECT_EQ(unmarked->driver, "process");
  ::chmod(path.c_str(), 0755);
  EXPECT_EQ(read(members)->command, std::vector<std::string>{path});
}

TEST_F(BlueprintAofTest, ScriptFileNeverLeavesItsFolder) {
  folder_.write("secret.sh", "#!/bin/sh\n");
  for (const char* file : {"../../secret.sh", "/bin/sh", "..", "missing.sh"}) {
    folder_.write("scripts/s/script.json",
                  std::string(R"({"name":"s","description":"d","script_file":")") + file + "\"}");
    const std::string said = refusal(R"("type":"procedural","script":"s")");
    EXPECT_TRUE(said.find("'script_file' is") != std::string::npos ||
                said.find("does not exist") != std::string::npos)
        << file << ": " << said;
  }
  folder_.write("scripts/s/script.json", R"({"name":"s","description":"d","script_file":"t.txt"})");
  folder_.write("scripts/s/t.txt", "text");
  EXPECT_NE(refusal(R"("type":"procedural","script":"s")").find("cannot be run"),
            std::string::npos);
}

TEST_F(BlueprintAofTest, CapabilitiesAddTextScriptsAndServersInOrder) {
  folder_.write("agents/a/agent.system-prompt.md", "Mine.");
  folder_.write("agents/a/agent.mcp.json", R"({"mcpServers":{"one":{"command":"x"}}})");
  folder_.write("capabilities/c1/capability.json", R"({"name":"c1","description":"d"})");
  folder_.write("capabilities/c1/capability.text.md", "First.");
  folder_.write("capabilities/c1/capability.mcp.json",
                R"({"mcpServers":{"two":{"url":"http://x"}}})");
  folder_.write("capabilities/c2/capability.json",
                R"({"name":"c2","description":"d","type":"script","script":"s"})");
  folder_.write("scripts/s/script.json",
                R"({"name":"s","description":"does it","script_file":"s.py","parameters_schema":{
                  "type":"object","required":["q"],"properties":{
                    "q":{"type":"string","description":"the question"},
                    "n":{"type":"integer"},"f":{"type":"boolean"},"k":{"enum":["a","b"]},
                    "l":{"type":"array"}}}})");
  folder_.write("scripts/s/s.py", "#!/usr/bin/env -S uv run --script\n");
  const auto blueprint = read(R"("capabilities":["c1","c2"])");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  const std::string path = (folder_ / "scripts/s/s.py").string();
  EXPECT_EQ(
      blueprint->system_prompt,
      "Mine.\n\n---\n\nFirst.\n\n---\n\n## Local Script: s\n\n**Description:** does it\n\n"
      "```bash\n/usr/bin/env -S uv run --script " +
          path +
          " [--f] [--k <a|b>] [--l <value1,value2,...>] [--n <N>] --q <value>\n```\n\n"
          "**Arguments:**\n\n- `--f`\n- `--k <a|b>`\n- `--l <value1,value2,...>`\n- `--n <N>`\n"
          "- `--q <value>` (required): the question");
  EXPECT_EQ(blueprint->mcp_servers.size(), 2U);
  folder_.write("capabilities/c1/capability.mcp.json",
                R"({"mcpServers":{"one":{"url":"http://x"}}})");
  EXPECT_NE(refusal(R"("capabilities":["c1"])")
                .find("server 'one' is defined twice, the second time in capability 'c1'"),
            std::string::npos);
}

TEST_F(BlueprintAofTest, ServersByReferenceTakeDefaultsAndConfigurationAsHeaders) {
  folder_.write("mcp-servers/cs/mcp-server.json",
                R"({"id":"cs","name":"CS","url":"http://localhost:9501/mcp",
      "config_schema":{"X-Part":{"type":"string","required":true},"X-Auto":{"default":true}},
      "default_config":{"X-A":"1","X-B":2}})");
  folder_.write(
      "agents/a/agent.mcp.json",
      R"({"mcpServers":{"ctx":{"ref":"cs","config":{"X-Part":"${runtime.session_id}","X-A":"9"}}}})");
  const auto blueprint = read("");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_EQ(
      json::dump(blueprint->mcp_servers),
      R"({"ctx":{"headers":{"X-A":"9","X-Auto":"true","X-B":"2","X-Part":"${runtime.session_id}"},)"
      R"("type":"http","url":"http://localhost:9501/mcp"}})");
  folder_.write("agents/a/agent.mcp.json", R"({"mcpServers":{"ctx":{"ref":"cs"}}})");
  EXPECT_NE(refusal("").find("server 'cs' needs 'X-Part'"), std::string::npos);
  folder_.write("agents/a/agent.mcp.json", R"({"mcpServers":{"ctx":{"ref":"../cs"}}})");
  EXPECT_NE(refusal("").find("refers to '../cs', which is not in mcp-servers/"), std::string::npos);
}

TEST_F(BlueprintAofTest, AofsOrchestratorIsTuttisOwnTools) {
  folder_.write("agents/a/agent.mcp.json",
                R"({"mcpServers":{"orchestrator":{"ref":"orchestrator"}}})");
  const auto blueprint = read("");
  ASSERT_TRUE(blueprint.ok()) << blueprint.error().text();
  EXPECT_TRUE(blueprint->tutti_tools);
  EXPECT_TRUE(blueprint->mcp_servers.is_null());
}

TEST_F(BlueprintAofTest, WrongServersAreNamed) {
  const struct {
    const char* servers;
    const char* says;
  } cases[] = {
      {R"({"x":{}})", "server 'x' says neither"},
      {R"({"x":7})", "server 'x' must be an object"},
      {R"({"x y":{"command":"a"}})", "server name 'x y'"},
      {R"({"x":{"command":7}})", "'command' must be a string"},
      {R"({"x":{"command":"a","args":"b"}})", "'args' must be an array of strings"},
      {R"({"x":{"command":"a","env":{"A":1}}})", "'env' must be an object of strings"},
      {R"({"x":{"command":"a","type":"http"}})", "'type' is 'http' beside a \"command\""},
      {R"({"x":{"url":"ftp://a"}})", "'url' is 'ftp://a'"},
      {R"({"x":{"type":"tcp","url":"http://a"}})", "'type' is 'tcp'"},
      {R"({"x":{"url":"http://a","headers":[]}})", "'headers' must be an object of strings"},
      {R"({"tutti":{"command":"a"}})", "server name 'tutti' is the one of tutti's own tools"},
      {R"([])", "'mcpServers' is missing or no object"},
  };
  for (const auto& one : cases) {
    folder_.write("agents/a/agent.mcp.json", std::string(R"({"mcpServers":)") + one.servers + "}");
    const std::string said = refusal("");
    EXPECT_NE(said.find(one.says), std::string::npos) << one.servers << "\n  said: " << said;
  }
}

TEST_F(BlueprintAofTest, PromptThatIsNotUtf8IsRefused) {
  folder_.write("agents/a/agent.system-prompt.md", "caf\xE9");
  EXPECT_NE(refusal("").find("agent.system-prompt.md: the file is not UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace tutti::agents
