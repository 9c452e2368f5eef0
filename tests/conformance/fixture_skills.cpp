// A skill with a guide in a folder of its own.
#include "tests/conformance/fixture.hpp"

namespace tutti::conformance {
namespace {

constexpr const char* kInstructions =
    "---\n"
    "name: git-workflow\n"
    "description: How to branch, commit and merge in a shared repository.\n"
    "---\n"
    "\n"
    "Branch from main, commit small, and read references/GUIDE.md before you merge.\n";

constexpr const char* kGuide = "# Merging\n\nRebase first; merge when the tests pass.\n";

}  // namespace

void addSkills(mcp::Server& server) {
  mcp::Skill skill;
  skill.uri = "skill://git-workflow/SKILL.md";
  skill.frontmatter = {{"name", "git-workflow"},
                       {"description", "How to branch, commit and merge in a shared repository."}};
  skill.files = {{"SKILL.md", "text/markdown", kInstructions},
                 {"references/GUIDE.md", "text/markdown", kGuide}};
  must(server.addSkill(std::move(skill)));
}

}  // namespace tutti::conformance
