#include "server/mcp/skill_registry.hpp"

#include <gtest/gtest.h>

#include "tests/mcp/fixture_offers.hpp"

namespace tutti::mcp {
namespace {

std::string refusal(const Skill& skill) {
  const auto made = makeSkill(skill);
  return made.ok() ? "" : made.error().message();
}

Skill named(const std::string& name) {
  Skill skill = fixture::skill();
  skill.frontmatter["name"] = name;
  skill.uri = "skill://" + std::string("a/") + name + "/SKILL.md";
  return skill;
}

TEST(SkillRegistryTest, NamesFollowTheSpecification) {
  for (const std::string& name : {std::string("a"), std::string("a-1"), std::string(64, 'x')})
    EXPECT_EQ(refusal(named(name)), "") << name;
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("-a"), std::string("a-"),
        std::string("a--b"), std::string("A"), std::string("a_b")})
    EXPECT_NE(refusal(named(name)).find("its name has 1 to 64"), std::string::npos) << name;
}

TEST(SkillRegistryTest, TheUriEndsInTheNameAndSkillMd) {
  Skill skill = fixture::skill();
  skill.uri = "skill://team/other/SKILL.md";
  EXPECT_EQ(refusal(skill),
            "skill 'skill://team/other/SKILL.md': its URI must end in "
            "/git-workflow/SKILL.md");
  skill.uri = "skill://git-workflow/SKILL.md";
  EXPECT_EQ(refusal(skill), "") << "the first segment is an authority like any other";
}

TEST(SkillRegistryTest, PathsStayInTheFolderAndAreGivenOnce) {
  for (const char* path : {"", "/a", "a/", "../a", "a/../b", "a//b", "a b", "a?b", "SKILL.md"}) {
    Skill skill = fixture::skill();
    skill.files.push_back({path, "text/plain", "x"});
    EXPECT_NE(refusal(skill).find("the path '" + std::string(path) + "'"), std::string::npos)
        << path;
  }
}

TEST(SkillRegistryTest, WhatIsMissingOrTooMuchIsNamed) {
  Skill skill = fixture::skill();
  skill.files.erase(skill.files.begin());
  EXPECT_NE(refusal(skill).find("it has no SKILL.md"), std::string::npos);
  skill = fixture::skill();
  skill.frontmatter["description"] = "";
  EXPECT_NE(refusal(skill).find("it needs a description"), std::string::npos);
  skill = fixture::skill();
  for (std::size_t i = 0; skill.files.size() < kSkillFilesMax; ++i)
    skill.files.push_back({"f" + std::to_string(i), "text/plain", ""});
  EXPECT_EQ(refusal(skill), "");
  skill.files.push_back({"one-more", "text/plain", ""});
  EXPECT_NE(refusal(skill).find("more than 512 files"), std::string::npos);
  skill = fixture::skill();
  skill.files.push_back({"big", "text/plain", std::string(kSkillBytesMax, 'x')});
  EXPECT_NE(refusal(skill).find("more than 16 MiB"), std::string::npos);
}

TEST(SkillRegistryTest, ASkillWhoseFilesAreTakenAddsNothing) {
  Server server(fixture::options());
  fixture::must(server.addResource(
      {"skill://team/git-workflow/references/GUIDE.md", "taken"},
      [](const std::shared_ptr<ResourceRead>& read) { read->finish(ResourceOutput{}); }));
  const Status added = server.addSkill(fixture::skill());
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), Code::Conflict);
  EXPECT_FALSE(server.removeResource("skill://team/git-workflow/SKILL.md"));
}

}  // namespace
}  // namespace tutti::mcp
