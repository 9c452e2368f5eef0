#include "server/toolhost/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "server/toolhost/guard.hpp"
#include "server/toolhost/naming.hpp"
#include "tests/temp_folder.hpp"

namespace tutti::toolhost {
namespace {

std::optional<std::string> lookUp(const std::string& name) {
  if (name == "TOKEN") return "s3cret-token";
  if (name == "PATH") return "/usr/bin:/bin";
  if (name == "EXTRA") return "extra";
  if (name == "UNLISTED") return "must not be passed";
  return std::nullopt;
}

std::vector<MountSpec> read(const std::string& servers) {
  auto specs = parseMountConfig("{\"mcpServers\":{" + servers + "}}", lookUp);
  EXPECT_TRUE(specs.ok()) << (specs.ok() ? "" : specs.error().text());
  return specs.ok() ? *specs : std::vector<MountSpec>(1);
}
MountSpec one(const std::string& entry) {
  return read("\"x\":" + entry).at(0);
}

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(MountConfigTest, ClaudeCodesFormIsReadInTheOrderOfTheFile) {
  const auto specs = read(R"("zeta":{"command":"z","args":["a","zeta"],"env":{"K":"alpha"}},)"
                          R"("alpha":{"type":"http","url":"http://h/mcp","headers":{"A":"b"}},)"
                          R"("mid\"dle":{"type":"stdio","command":"m"})");
  ASSERT_EQ(specs.size(), 3U);
  EXPECT_EQ(specs[0].name, "zeta");
  EXPECT_EQ(specs[0].command, "z");
  EXPECT_EQ(specs[0].arguments, (std::vector<std::string>{"a", "zeta"}));
  EXPECT_TRUE(has(specs[0].environment, "K=alpha"));
  EXPECT_EQ(specs[1].name, "alpha");
  EXPECT_EQ(specs[1].kind, MountSpec::Kind::Http);
  EXPECT_EQ(specs[1].url, "http://h/mcp");
  EXPECT_EQ(specs[1].headers.at(0).second, "b");
  EXPECT_EQ(specs[2].name, "mid\"dle");
  for (const MountSpec& spec : specs) EXPECT_EQ(spec.problem, "");
}

TEST(MountConfigTest, ReferencesAreReplacedAndTheirValuesAreSecrets) {
  const MountSpec spec = one(R"({"command":"${CMD:-run}","args":["--key=${TOKEN}"],)"
                             R"("env":{"A":"${TOKEN}${NONE:-}"}})");
  EXPECT_EQ(spec.problem, "");
  EXPECT_EQ(spec.command, "run");
  EXPECT_EQ(spec.arguments.at(0), "--key=s3cret-token");
  EXPECT_TRUE(has(spec.environment, "A=s3cret-token"));
  EXPECT_TRUE(has(spec.secrets, "s3cret-token"));
}

TEST(MountConfigTest, AMissingVariableIsTheProblemOfItsServerAlone) {
  const auto specs = read(R"("a":{"command":"${NONE}"},"b":{"command":"b"})");
  EXPECT_NE(specs.at(0).problem.find("the variable NONE is not set"), std::string::npos);
  EXPECT_EQ(specs.at(1).problem, "");
}

TEST(MountConfigTest, OnlyNamedVariablesReachTheServer) {
  const MountSpec spec = one(R"({"command":"c","tutti":{"env":["EXTRA","ABSENT"]}})");
  EXPECT_TRUE(has(spec.environment, "EXTRA=extra"));
  EXPECT_TRUE(has(spec.environment, "PATH=/usr/bin:/bin"));
  EXPECT_EQ(spec.environment.size(), 2U);
}

TEST(MountConfigTest, OwnKeysAreRead) {
  const MountSpec spec = one(
      R"({"command":"c","tutti":{"timeout_s":2.5,"tools":{"allow":["get_*"],"deny":["get_secret"],)"
      R"("rename":{"get_a":"fetch"}},"limits":{"memory_mb":100,"open_files":32,"in_flight_max":2,)"
      R"("message_mb":1,"tools_max":9,"prompts_max":8,"resources_max":7}}})");
  EXPECT_EQ(spec.problem, "");
  EXPECT_EQ(spec.timeout_s, 2.5);
  EXPECT_TRUE(spec.tools.allows("get_a"));
  EXPECT_FALSE(spec.tools.allows("get_secret"));
  EXPECT_FALSE(spec.tools.allows("set_a"));
  EXPECT_EQ(spec.tools.nameOf("get_a"), "fetch");
  EXPECT_EQ(spec.tools.nameOf("get_b"), "get_b");
  EXPECT_EQ(spec.limits.process.memory_mb, 100);
  EXPECT_EQ(spec.limits.process.open_files, 32);
  EXPECT_EQ(spec.limits.in_flight_max, 2U);
  EXPECT_EQ(spec.limits.message_bytes_max, 1024U * 1024);
  EXPECT_EQ(spec.limits.tools_max, 9U);
  EXPECT_EQ(spec.limits.prompts_max, 8U);
  EXPECT_EQ(spec.limits.resources_max, 7U);
}

TEST(MountConfigTest, ResourcesAreFilteredByUriAndNotRenamed) {
  const MountSpec spec = one(R"({"command":"c","tutti":{"resources":{"allow":["file:///a/*"]}}})");
  EXPECT_EQ(spec.problem, "");
  EXPECT_TRUE(spec.resources.allows("file:///a/b"));
  EXPECT_FALSE(spec.resources.allows("file:///b"));
  const MountSpec renamed =
      one(R"({"command":"c","tutti":{"resources":{"rename":{"file:///a":"b"}}}})");
  EXPECT_NE(renamed.problem.find("'tutti.resources.rename' is unknown"), std::string::npos);
}

TEST(MountConfigTest, AnEmptyAllowAllowsNothing) {
  EXPECT_FALSE(one(R"({"command":"c","tutti":{"tools":{"allow":[]}}})").tools.allows("a"));
}

TEST(MountConfigTest, AnOldServerAndItsAuthoritiesAreNamed) {
  const MountSpec spec = one(R"({"type":"sse","url":"https://h/sse","tutti":{"ca_file":"/ca"}})");
  EXPECT_EQ(spec.problem, "");
  EXPECT_EQ(spec.kind, MountSpec::Kind::Http);
  EXPECT_TRUE(spec.old_sse);
  EXPECT_EQ(spec.ca_file, "/ca");
}

TEST(MountConfigTest, WhatIsSharedRunsWhereItsFileIs) {
  const fixture::TempFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  std::ofstream(folder / "mcp.json") << R"({"mcpServers":{
      "a":{"command":"c"}, "b":{"command":"c","cwd":"sub"}, "c":{"command":"c","cwd":"/abs"},
      "d":{"command":"c","tutti":{"share":false}},
      "e":{"url":"https://h","tutti":{"ca_file":"ca.pem"}}}})";
  const auto specs = readMountConfig(folder / "mcp.json", lookUp);
  ASSERT_TRUE(specs.ok());
  EXPECT_EQ(std::filesystem::path(specs->at(0).folder), folder / "");
  EXPECT_EQ(specs->at(1).folder, folder / "sub");
  EXPECT_EQ(specs->at(2).folder, "/abs");
  EXPECT_EQ(specs->at(3).folder, "");
  EXPECT_FALSE(specs->at(3).share);
  EXPECT_FALSE(specs->at(4).share) << "what is reached over HTTP runs elsewhere already";
  EXPECT_EQ(specs->at(4).ca_file, folder / "ca.pem");
}

TEST(MountConfigTest, PromptsHaveAFilterOfTheirOwn) {
  const MountSpec spec =
      one(R"({"command":"c","tutti":{"prompts":{"deny":["draft*"],"rename":{"a":"b"}}}})");
  EXPECT_EQ(spec.problem, "");
  EXPECT_FALSE(spec.prompts.allows("draft_one"));
  EXPECT_TRUE(spec.prompts.allows("a"));
  EXPECT_EQ(spec.prompts.nameOf("a"), "b");
  EXPECT_TRUE(spec.tools.allows("draft_one"));
  EXPECT_NE(one(R"({"command":"c","tutti":{"prompts":[]}})").problem.find("'tutti.prompts'"),
            std::string::npos);
}

TEST(MountConfigTest, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({})", "'command' is missing"},
      {R"([])", "a server is an object"},
      {R"({"type":"ws","url":"u"})", "type 'ws' is not mounted"},
      {R"({"type":"http"})", "'url' is missing"},
      {R"({"command":"c","env":{"A":1}})", "'env.A' must be a string"},
      {R"({"command":"c","env":{"A=B":"c"}})", "no name of a variable"},
      {R"({"command":"c","tutti":{"tool":{}}})", "'tutti.tool' is unknown"},
      {R"({"command":"c","tutti":{"timeout_s":0}})", "'tutti.timeout_s'"},
      {R"({"command":"c","tutti":{"share":"no"}})", "share"},
      {R"({"url":"u","tutti":{"ca_file":1}})", "ca_file"},
      {R"({"command":"c","tutti":{"limits":{"cpu":1}}})", "'tutti.limits.cpu' is unknown"},
      {R"({"command":"c","tutti":{"limits":{"cpu_s":0}}})", "'tutti.limits.cpu_s'"},
      {R"({"command":"c","tutti":{"tools":{"rename":{"a":""}}}})", "'tutti.tools.rename.a'"}};
  for (const auto& [entry, expected] : cases)
    EXPECT_NE(one(entry).problem.find(expected), std::string::npos)
        << entry << ": " << one(entry).problem;
}

TEST(MountConfigTest, AFileWithoutServersIsRefused) {
  EXPECT_EQ(parseMountConfig("{", lookUp).error().name(), "invalid_mcp_config");
  EXPECT_EQ(parseMountConfig("{}", lookUp).error().name(), "invalid_mcp_config");
  EXPECT_EQ(readMountConfig("/nonexistent/mcp.json", lookUp).error().code(), Code::NotFound);
}

TEST(MountedNameTest, NamesArePrefixedCleanUniqueAndBounded) {
  std::set<std::string> taken;
  EXPECT_EQ(mountedName("git", "log", taken), "git__log");
  EXPECT_EQ(mountedName("my server", "a/b", taken), "my_server__a_b");
  const std::string second = mountedName("my_server", "a/b", taken);
  EXPECT_EQ(second.substr(0, 15), "my_server__a_b_");
  EXPECT_EQ(second.size(), 23U);
  const std::string long_one = mountedName("s", std::string(200, 'x'), taken);
  const std::string long_two = mountedName("s", std::string(201, 'x'), taken);
  EXPECT_EQ(long_one.size(), kToolNameMax);
  EXPECT_EQ(long_two.size(), kToolNameMax);
  EXPECT_NE(long_one, long_two);
  std::set<std::string> again;
  EXPECT_EQ(mountedName("s", std::string(200, 'x'), again), long_one);
}

TEST(GuardArgumentsTest, TheyAreReadAsTheyWereWritten) {
  GuardRequest request;
  request.command = {"run", "--", "--folder", ""};
  request.folder = "/tmp";
  request.limits.cpu_s = 5;
  request.limits.open_files = 7;
  auto words = guardArguments(request);
  EXPECT_EQ(words.front(), kGuardCommand);
  words.erase(words.begin());
  const auto read = parseGuardArguments(words);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->command, request.command);
  EXPECT_EQ(read->folder, "/tmp");
  EXPECT_EQ(read->limits.cpu_s, 5);
  EXPECT_EQ(read->limits.open_files, 7);
  for (const auto& bad : {std::vector<std::string>{}, {"--"}, {"--cpu-s", "x", "--", "a"}, {"run"}})
    EXPECT_FALSE(parseGuardArguments(bad).ok());
}

}  // namespace
}  // namespace tutti::toolhost
