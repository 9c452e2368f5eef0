// Prompts and skills as their files have them.
#include "tools/prompts.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/base/embedded.hpp"
#include "tools/skills.hpp"

namespace tutti::tools {
namespace {

std::string promptOf(const std::string& head, const std::string& text = "Do it.\n") {
  return "---\n" + head + "---\n" + text;
}

void expectBad(const std::string& content, const std::string& what) {
  const auto parsed = parsePrompt("x.md", content);
  ASSERT_FALSE(parsed.ok()) << content;
  EXPECT_EQ(parsed.error().name(), "bad_prompt");
  EXPECT_NE(parsed.error().message().find("x.md"), std::string::npos);
  EXPECT_NE(parsed.error().message().find(what), std::string::npos) << parsed.error().message();
}

TEST(PromptsTest, FrontMatterBecomesNameTitleDescriptionAndArguments) {
  const auto parsed = parsePrompt(
      "x.md", promptOf("name: greet\ntitle: Greet\ndescription: Says hello\narguments:\n"
                       "  - name: who\n    description: Whom\n    required: true\n  - name: how\n",
                       "Greet ${who} ${how|kindly}.\n"));
  ASSERT_TRUE(parsed.ok()) << parsed.error().text();
  EXPECT_EQ(parsed->prompt.name, "greet");
  EXPECT_EQ(parsed->prompt.title, "Greet");
  ASSERT_EQ(parsed->prompt.arguments.size(), 2U);
  EXPECT_EQ(parsed->prompt.arguments[0].presence, mcp::Presence::Required);
  EXPECT_EQ(parsed->prompt.arguments[1].presence, mcp::Presence::Optional);
  EXPECT_EQ(parsed->text, "Greet ${who} ${how|kindly}.\n");
}

TEST(PromptsTest, FilesThatAreNoPromptsAreNamedWithTheReason) {
  expectBad("no front matter", "front matter");
  expectBad("---\nname: x\n", "front matter");
  expectBad(promptOf("- a list\n"), "");
  expectBad(promptOf("description: d\n"), "no name");
  expectBad(promptOf("name: x\n"), "no description");
  expectBad(promptOf("name: x\ndescription: d\narguments: who\n"), "no list");
  expectBad(promptOf("name: x\ndescription: d\narguments:\n  - description: d\n"), "no name");
  expectBad(promptOf("name: x\ndescription: d\n", "Greet ${who}."), "'${who}'");
}

TEST(PromptsTest, ArgumentsAreFilledInOnceAndAbsentOnesAreReplaced) {
  const Json arguments = {{"who", "Ada ${how}"}, {"blank", "  "}};
  EXPECT_EQ(fillPrompt("${who} ${how|kindly} ${blank|x} ${gone}.", arguments),
            "Ada ${how} kindly x .");
  EXPECT_EQ(fillPrompt("open ${brace", arguments), "open ${brace");
}

TEST(PromptsTest, TheShippedOnesAreGood) {
  int count = 0;
  for (const EmbeddedFile& file : embeddedFiles()) {
    const bool here = file.path.starts_with("prompts/") && file.path.find('/', 8) == file.path.npos;
    if (!here) continue;
    const auto parsed = parsePrompt(file.path, file.content);
    EXPECT_TRUE(parsed.ok()) << parsed.error().text();
    ++count;
  }
  EXPECT_GE(count, 4);
}

agents::Blueprint blueprint(const std::string& name) {
  agents::Blueprint made;
  made.name = name;
  made.description = "Says \"hello\": politely # always";
  made.system_prompt = "You greet.";
  return made;
}

TEST(SkillsTest, ABlueprintSaysHowToStartItAndWhatItIsTold) {
  const auto skill = skillOf(blueprint("Greeter_2"));
  ASSERT_TRUE(skill);
  EXPECT_EQ(skill->uri, "skill://blueprints/greeter-2/SKILL.md");
  ASSERT_EQ(skill->files.size(), 2U);
  EXPECT_NE(skill->files[0].bytes.find(R"("blueprint": "Greeter_2")"), std::string::npos);
  EXPECT_EQ(skill->files[1].path, "references/system-prompt.md");
  EXPECT_EQ(skill->files[1].bytes, "You greet.");
}

TEST(SkillsTest, NamesThatNoSkillMayHaveAreLeftOut) {
  EXPECT_FALSE(skillOf(blueprint("a__b")));
  EXPECT_FALSE(skillOf(blueprint("_a")));
  EXPECT_FALSE(skillOf(blueprint("a-")));
  agents::Blueprint silent = blueprint("a");
  silent.description.clear();
  EXPECT_FALSE(skillOf(silent));
}

TEST(SkillsTest, AFolderWithoutSkillMdOrWithBadFrontMatterIsNamed) {
  mcp::Server server({});
  const Status missing = addSkills(server, {{"a/GUIDE.md", "text"}});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().message(), "skill 'a': it has no SKILL.md");
  const Status plain = addSkills(server, {{"a/SKILL.md", "no front matter"}});
  ASSERT_FALSE(plain.ok());
  EXPECT_EQ(plain.error().name(), "bad_skill");
}

}  // namespace
}  // namespace tutti::tools
